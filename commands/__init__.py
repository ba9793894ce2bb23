"""All that may be asked of the system: command models, handlers and the HTTP command API.

Only aggregates, events, schemas, kit and `gateways.ports` enter, read models never. The unit of
work (`unit.py`) commits everything; secrets go into `credentials_*` tables. Start with `assets.py`.
"""
