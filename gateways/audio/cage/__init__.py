"""The walls around the process that parses foreign bytes, one module a wall. Standard library only.

`gateways/audio/lockdown.py` says when each goes up; `walls.py` names those that may be missing.
"""
