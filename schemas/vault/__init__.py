"""Published shapes of the vault: recordings, measurements, collections, search.

They describe what the routes of this area take and answer.
Areas are put together in `runtime/areas/vault.py`.
"""
