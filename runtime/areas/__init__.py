"""The areas of the product, each with all that it brings; nothing else lists contexts by hand.

`area.py` says what an area must say. A new context enters in its area's module, a new area in
`AREAS` below. `gather` refuses a name that two areas bring, and what an area forgot.
"""

from __future__ import annotations

from runtime.areas import account, system, vault
from runtime.areas.area import Area
from runtime.areas.gathering import gather

# In the order of the navigation.
AREAS: tuple[Area, ...] = (
    account.AREA,
    vault.AREA,
    system.AREA,
)

ALL = gather(AREAS)
VIEWS, SAGAS, HANDLERS, SCOPES = ALL.views, ALL.sagas, ALL.handlers, ALL.scopes
