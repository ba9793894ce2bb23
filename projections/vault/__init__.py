"""Read models of the vault: recordings, measurements, collections, search.

They may import any area's events.
Areas are put together in `runtime/areas/vault.py`.
"""
