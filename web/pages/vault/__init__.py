"""Pages of the vault: recordings, measurements, collections, search.

They use the commands and queries of this area.
Areas are put together in `runtime/areas/vault.py`.
"""
