"""Fuzzing of what opens foreign bytes: tags, probe, peaks.

`python -m tests.fuzz TARGET --seconds N` runs atheris over `saved/`; without it the same bytes are
replayed by tests/unit/audio/test_fuzz_corpus.py. `targets.py` says what may never happen.
"""
