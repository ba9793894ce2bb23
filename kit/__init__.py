"""The HTTP kit of both APIs, without a domain word: problems, authentication, paging, limits.

Only schemas and gateways.ports may be imported. Start with `problems.py` and `auth.py`.
"""
