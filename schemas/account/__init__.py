"""Published shapes of the account: the account itself, its keys, its erasure.

They describe what the routes of this area take and answer.
Areas are put together in `runtime/areas/account.py`.
"""
