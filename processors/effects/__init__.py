"""Effects on the outside world: an intent event becomes work (`consumer.py`), a few runners do the
work of all effects (`runner.py`), each effect up to its cap (`caps.py`).

Idempotency key = the intent event's id; the outcome is a command. The effects themselves are in the
areas' folders, `processors/vault/audio.py` for one.
"""
