"""Process managers: what comes in, what the saga is now, what it sends and waits for.

No side effects.

May import commands' models and events. `saga.py` is the form, `ingest.py` the first one;
`processors/sagas/` runs them.
"""
