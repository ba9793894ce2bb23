"""Mail: SMTP, or the mail double where no server is named; one form of a message for both.

Start at `gateways/ports/mail.py` (`Mailer`), then `smtp.py` and `by_double.py`.
"""
