"""The HTTP kit shared by both APIs, without a domain word: problems, authentication, paging, conditions, limits.

Only schemas and gateways.ports may be imported. Start with `problems.py` and `auth.py`.
"""
