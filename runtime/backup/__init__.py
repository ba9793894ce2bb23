"""Backups of an installation with the embedded Postgres: its database and audio, without secrets,
erasure register and signed checkpoints. `taking.py` makes one and follows the database
(`receiver.py`), `restoring.py` puts one back, `blobs.py` copies audio, `folder.py` is how a folder
of backups looks.
"""
