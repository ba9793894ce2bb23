"""What happened of the vault: recordings, measurements, collections, search.

Enter nothing of ours but `events.ids`, `events.model` and other areas' events.
Areas are put together in `runtime/areas/vault.py`.
"""
