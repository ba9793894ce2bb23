"""All that happened: event models by context, their envelope and their registry.

`store/` keeps the events, `log/` hands them out.

Nothing of ours may be imported here. To learn the business read `asset.py`; then go to
`aggregates/`.
"""
