"""Signs of a running process for operators: traces, metrics beyond HTTP, structured logs.

The rooms emit through `events/tracing.py`, `logging` and plain figures; exporters and formats are
chosen here, by settings. Why so: docs/adr/0015. Start with `tracing.py`.
"""
