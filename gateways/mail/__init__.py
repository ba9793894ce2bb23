"""Mail: an outbox folder or SMTP, one form of a message for both.

Start at `gateways/ports/mail.py` (`Mailer`), then `outbox.py`.
"""
