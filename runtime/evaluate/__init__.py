"""How right the analysis is on music whose answers are known: accuracy with intervals, calibration.
`truth.py` reads the answers, `scores.py` compares, `summary.py` sums up; nothing here needs an
installation that runs."""
