"""Processes of the vault: recordings, measurements, collections, search.

They may import any area's events and command models.
Areas are put together in `runtime/areas/vault.py`.
"""
