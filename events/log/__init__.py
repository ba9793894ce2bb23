"""The log as readers get it: one port (`port.py`), two adapters (`kafka.py`, `postgres.py`), the
same envelope.

Only reading and naming lives here; `processors/relay.py` is what fills the topics. How far
everybody is: `progress.py`.
"""
