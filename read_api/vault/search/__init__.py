"""Searching the vault: what a question in plain words asks for, what fits, in which order and why.

`question.py` is pure; SQL stays in the modules that are named after what they find. Answers go out
through `read_api/vault/assets_http.py`.
"""
