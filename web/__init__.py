"""The web client: server-rendered pages and small islands over the commands and queries of the API.

`app.py` puts the routers together, `pages/` answers, `templates/` and `static/` are what one sees.
No SQL, no rule: whatever a page knows, a program can know through /api.
"""
