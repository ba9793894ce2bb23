"""The outside world behind ports (`ports.py`): object store, audio tools, mail.

Only schemas may be imported.

Nothing here knows a rule of the business; whoever needs the world takes a port as an argument.
"""
