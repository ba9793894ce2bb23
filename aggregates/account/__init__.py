"""Rules of people and their workspaces: sign-in, keys, proofs, erasure.

Pure: `decide` and `evolve`. They may import any area's events.
Areas are put together in `runtime/areas/account.py`.
"""
