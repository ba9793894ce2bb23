"""Blobs under `<workspace>/<sha256>`: a folder, an S3 bucket, and the guard around either.

Start at `gateways/ports/objects.py` (`ObjectStore`), then `folder.py`.
"""
