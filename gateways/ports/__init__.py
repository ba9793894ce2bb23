"""Ports to the outside world: one module per capability, its Protocol in it.

Rooms that may not know an adapter import these; `runtime/` picks the adapter that is used.
"""
