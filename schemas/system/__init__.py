"""Published shapes of the operator's desk: sagas, the timeline, health.

They describe what the routes of this area take and answer.
Areas are put together in `runtime/areas/system.py`.
"""
