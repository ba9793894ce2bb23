"""Work behind the log of people and their workspaces: sign-in, keys, proofs, erasure.

It may import any area's events and command models.
Areas are put together in `runtime/areas/account.py`.
"""
