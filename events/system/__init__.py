"""Events of the operator's desk: sagas, the timeline, health.

They may import `events.ids`, `events.model` and other areas' events, nothing else of ours.
Areas are put together in `runtime/areas/system.py`.
"""
