"""Proof by damage: an installation of its own, load from several clients, parts killed at random.

`run.py` is the story; `installation.py` starts and kills, `musician.py` is the load, `journal.py`
what clients were promised, `checks.py` and `views.py` whether it was kept.
"""
