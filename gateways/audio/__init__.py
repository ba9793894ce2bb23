"""Everything that opens foreign audio bytes: probe, tags, cover, measurement, waveform peaks.
Enter through `pool.AudioPool`; the parsers load only in its limited children.
What comes back is in `facts.py`; how a child is limited is in `lockdown.py` and `sandbox.py`."""
