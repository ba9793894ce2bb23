"""The account's entries, in the menu of whoever is signed in."""

from web.sections import Section

SECTIONS = (
    Section(
        name="Account",
        path="/account",
        icon="person",
        pages=("account_page", "erasure_page"),
        in_menu=True,
    ),
    Section(
        name="Security",
        path="/account/security",
        icon="shield",
        pages=("security_page",),
        in_menu=True,
    ),
)
