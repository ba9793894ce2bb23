"""Commands and their handlers of the operator's desk: sagas, the timeline, health.

They may import the rules beside them and any area's events.
Areas are put together in `runtime/areas/system.py`.
"""
