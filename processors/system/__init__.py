"""Work behind the log of the operator's desk: sagas, the timeline, health.

It may import any area's events and command models.
Areas are put together in `runtime/areas/system.py`.
"""
