"""Queries and their routes of the vault: recordings, measurements, collections, search.

They read views; they may import any area's events.
Areas are put together in `runtime/areas/vault.py`.
"""
