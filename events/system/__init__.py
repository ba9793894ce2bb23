"""What happened of the operator's desk: sagas, the timeline, health.

Enter nothing of ours but `events.ids`, `events.model` and other areas' events.
Areas are put together in `runtime/areas/system.py`.
"""
