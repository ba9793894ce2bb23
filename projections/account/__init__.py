"""Read models of people and their workspaces: sign-in, keys, proofs, erasure.

They may import any area's events.
Areas are put together in `runtime/areas/account.py`.
"""
