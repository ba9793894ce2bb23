"""Queries and their routes of the operator's desk: sagas, the timeline, health.

They read views; they may import any area's events.
Areas are put together in `runtime/areas/system.py`.
"""
