"""Published contracts: what the outside sees of events and resources, DTOs that both APIs share, no
behaviour.

Import event models only. `<area>/dto.py` is the JSON of CONTRACT §2, `dto.py` what all of it is
made of; `json/` and `golden/` hold one file per event version.
"""
