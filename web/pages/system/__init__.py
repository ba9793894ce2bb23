"""Pages of the operator's desk: sagas, the timeline, health, doubles and their mails, components.

They use the commands and queries of this area.
Areas are put together in `runtime/areas/system.py`.
"""
