"""One engine for projections, sagas and processors: batches, the checkpoint in the same
transaction, parked streams.

`consumer.py` is what one implements, `projection.py` makes one of a read model, `engine.py` runs
them all.
"""
