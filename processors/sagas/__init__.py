"""Running sagas: events in (`consumer.py`), timers in (`timers.py`), commands out
(`dispatcher.py`).

All three take a step the same way (`stepping.py`): its event, its commands and its timers in one
transaction.
"""
