"""Pages of people and their workspaces: sign-in, keys, proofs, erasure.

They use the commands and queries of this area.
Areas are put together in `runtime/areas/account.py`.
"""
