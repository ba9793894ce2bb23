"""Commands and their handlers of the vault: recordings, measurements, collections, search.

They may import the rules beside them and any area's events.
Areas are put together in `runtime/areas/vault.py`.
"""
