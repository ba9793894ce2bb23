"""The command line: one module per group of commands, imported only when it is called.

`main.py` finds the command and turns errors into exit codes; `output.py` prints for people and,
with `--json`, for programs. What the commands do lives elsewhere (`../supervisor.py`, …).
"""
