"""Read models of the operator's desk: sagas, the timeline, health.

They may import any area's events.
Areas are put together in `runtime/areas/system.py`.
"""
