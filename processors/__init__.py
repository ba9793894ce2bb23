"""What runs behind the log and is not a read model: relay, consumer engine (`consumers/`),
analysis, effects, timers.

Enter through `relay.py` (store to Kafka) and `consumers/engine.py` (log to consumers); the way back
is a new command.
"""
