"""The HTTP server and what a stranger may ask of it before any route is known.

`limits.py` says how much, `doors.py` counts who is inside, `protocol.py` holds one connection to
it, `refusals.py` is what it answers, `server.py` puts them together.
"""
