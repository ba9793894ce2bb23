"""The log in Postgres: append (`postgres.py`, `group.py`), read, claims, hash chain (`verify.py`),
personal data (`codec.py`).

Commands reach it through their unit of work; readers through `events/log`. The append itself is
SQL: migrations 0001, 0002.
"""
