"""Read models: one module per view, with its table (`<view>.sql`) beside it and a fold that never
calls back.

Only events may be imported. `projection.py` is the interface; the engine that feeds it is
`processors/consumers/`.
"""
