"""Events of the vault: recordings, measurements, collections, search.

They may import `events.ids`, `events.model` and other areas' events, nothing else of ours.
Areas are put together in `runtime/areas/vault.py`.
"""
