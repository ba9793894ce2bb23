"""Effects on the outside world: an intent event becomes work (`consumer.py`), a runner does it
(`runner.py`).

Idempotency key = the intent event's id; the outcome is a command. `audio.py` has the two of the
vault.
"""
