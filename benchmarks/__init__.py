"""`./noculture bench`: how fast the spine is, as ratios against a named peer in the same run.

One module a row of docs/benchmarks.md (`p1_commands.py`, …), each with a `measure(rig)`;
`rig.py` gives it real engines of its own, `result.py` is what it answers. Nothing here is a test.
"""
