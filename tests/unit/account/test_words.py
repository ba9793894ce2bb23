from runtime.areas import SCOPES
from web.pages.account.words import allowed


def test_every_scope_is_a_deed():
    said = allowed(["assets:read", "events:read"], SCOPES)
    assert said == "read tracks, follow what happens"


def test_a_scope_of_a_newer_version_is_said_by_its_name():
    assert allowed(["loans:read", "sheets_all"], SCOPES) == "loans:read, sheets all"
