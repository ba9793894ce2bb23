"""One module per page; each gives a router and takes what it needs from its area's tools.

A handler answers a whole page, or only its moving part to htmx (`HX-Request-Type: partial`).
"""
