"""Blobs under `<workspace>/<sha256>`: a folder, an S3 bucket, and the guard around either.

Start at `gateways/ports.py` (`ObjectStore`), then `folder.py`.
"""
