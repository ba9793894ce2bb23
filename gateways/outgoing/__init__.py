"""Requests to addresses that others gave us: webhooks, partners, feeds.

Such an address must never reach our own network (server-side request forgery). `sending.py` is the
one door; `targets.py` reads what was written, `addresses.py` judges where a name leads.
"""
