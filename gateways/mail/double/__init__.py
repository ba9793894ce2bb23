"""The mail double: takes mails as a server would, and keeps them for an operator to read.

Mails lie as .eml files in a folder (`mailbox.py`); `app.py` has the routes, `strictness.py` what is
refused. Its frame is `gateways/doubles/`.
"""
