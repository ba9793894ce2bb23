"""Commands and their handlers of people and their workspaces: sign-in, keys, proofs, erasure.

They may import the rules beside them and any area's events.
Areas are put together in `runtime/areas/account.py`.
"""
