"""The query side of HTTP: everything that is read, out of the read models only.

May import projections, schemas, kit, events.log and gateways.ports; never commands or the store.
`<thing>.py` holds its queries (pages use them too), `<thing>_http.py` its routes.
"""
