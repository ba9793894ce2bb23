"""Technical defects of a recording: meters that are fed second by second, the rules that turn
what they saw into findings, and the score. Start at `rules.py`; `heard.py` is what rules look at.
Runs in the limited child only."""
