"""Rules of the vault: recordings, measurements, collections, search.

Pure: `decide` and `evolve`. They may import any area's events.
Areas are put together in `runtime/areas/vault.py`.
"""
