"""The rules, pure and synchronous: `decide` functions take (state, id of the stream, *, the rest)
and say what happens or refuse, `evolve` says what is now true.

Only event models may be imported: no I/O, no clock, no random. `commands/` calls these; start with
`asset.py`.
"""
