"""Workers behind the log that are no read models: relay, consumer engine (`consumers/`), analysis,
effects, timers.

Enter through `relay.py` (store to Kafka) and `consumers/engine.py` (log to consumers); the way back
is a new command.
"""
