"""What happened of people and their workspaces: sign-in, keys, proofs, erasure.

Enter nothing of ours but `events.ids`, `events.model` and other areas' events.
Areas are put together in `runtime/areas/account.py`.
"""
