"""Events of people and their workspaces: sign-in, keys, proofs, erasure.

They may import `events.ids`, `events.model` and other areas' events, nothing else of ours.
Areas are put together in `runtime/areas/account.py`.
"""
