"""Runs the product: settings, embedded Postgres and Kafka, the supervisor, the command line.

Everything may be imported here and no business rule lives here. Start at `__main__.py` (commands),
then `supervisor.py` (what is started, in which order) and `engines/` (the embedded servers).
"""
