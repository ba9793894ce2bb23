"""Coming in, going out, keys, and what is only the operator's."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Visit, new_address, noculture, six_minutes_go_by


def status_of(url: str, key: str) -> int:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            json.load(answer)
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_signing_out_and_in_again_leads_where_one_wanted_to_go(visit: Visit):
    email = visit.sign_up()
    visit.go("/account")
    visit.page.get_by_role("button", name="Sign out").click()
    visit.page.wait_for_url("**/sign-in")
    visit.go("/account")
    visit.page.get_by_label("E-mail").fill(email)
    visit.page.get_by_label("Password").fill("not the sentence")
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(visit.page.get_by_role("alert")).to_contain_text("wrong")
    visit.page.get_by_label("Password").fill("one sentence that is long")
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    visit.page.wait_for_url("**/account")
    expect(visit.page.get_by_role("heading", name="Mira Okafor")).to_be_visible()


def test_an_address_that_is_taken_is_said_so(visit: Visit):
    email = visit.sign_up()
    visit.page.context.clear_cookies()
    visit.go("/sign-up")
    visit.page.get_by_label("Name").fill("Somebody Else")
    visit.page.get_by_label("E-mail").fill(email)
    visit.page.get_by_label("Password").fill("another sentence entirely")
    visit.page.get_by_role("button", name="Create account").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("has an account")


def test_a_key_is_shown_once_works_and_is_revoked(visit: Visit):
    visit.sign_up()
    visit.go("/account")
    visit.page.get_by_label("Name of the new key").fill("Backup script")
    visit.page.get_by_role("button", name="Make key").click()
    key = visit.page.get_by_label("The new key", exact=True).input_value()
    assert key.startswith("nck_")
    tracks = visit.site.path("/api/assets")
    assert status_of(tracks, key) == 200
    visit.page.reload()
    expect(visit.page.get_by_label("The new key", exact=True)).to_have_count(0)
    visit.page.get_by_role("button", name="Revoke Backup script").click()
    question = visit.page.get_by_role("alertdialog", name="Revoke “Backup script”?")
    question.get_by_role("button", name="Revoke").click()
    expect(visit.page.get_by_text("No keys yet.")).to_be_visible()
    assert status_of(tracks, key) == 401


def test_a_key_after_a_while_takes_a_proof_and_nothing_is_typed_again(visit: Visit):
    page = visit.page
    visit.sign_up()
    visit.go("/account")
    six_minutes_go_by(visit.site)
    page.get_by_label("Name of the new key").fill("Late script")
    page.get_by_role("button", name="Make key").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    dialog.get_by_label("Your password").fill("not the sentence")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog.get_by_role("alert").first).to_contain_text("wrong")
    dialog.get_by_label("Your password").fill("one sentence that is long")
    dialog.get_by_role("button", name="Go on").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_text("“Late script” is ready.")).to_be_visible()
    # Not now: nothing is made.
    six_minutes_go_by(visit.site)
    page.get_by_label("Name of the new key").fill("Never made")
    page.get_by_role("button", name="Make key").click()
    dialog.get_by_role("link", name="Not now").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_label("Name of the new key")).to_have_value("Never made")
    page.reload()
    expect(page.get_by_text("Never made")).to_have_count(0)


def test_an_invited_person_signs_in_by_link_sets_a_password_and_comes_back(
    visit: Visit, tmp_path: Path
):
    email = new_address()
    (tmp_path / "notes.txt").write_text("no music")
    visit.page.goto(_invite(visit, tmp_path, email))
    visit.page.get_by_role("button").filter(has_text="Sign in").click()
    visit.page.wait_for_url(visit.site.path("/"))
    visit.go("/account")
    visit.page.get_by_label("New password").fill("one sentence that is long")
    visit.page.get_by_role("button", name="Set password").click()
    expect(visit.page.get_by_text("Your new password is set")).to_be_visible()
    visit.page.get_by_role("button", name="Sign out").click()
    visit.go("/sign-in")
    visit.page.get_by_label("E-mail").fill(email)
    visit.page.get_by_label("Password").fill("one sentence that is long")
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    visit.page.wait_for_url(visit.site.path("/"))


def test_a_wrong_current_password_changes_nothing(visit: Visit):
    visit.sign_up()
    visit.go("/account")
    visit.page.get_by_label("Current password").fill("not the one")
    visit.page.get_by_label("New password").fill("another sentence, also long")
    visit.page.get_by_role("button", name="Change password").click()
    expect(visit.page.get_by_role("alert")).to_contain_text("wrong")


def _invite(visit: Visit, folder: Path, email: str) -> str:
    """The one-time link that an import prints for somebody new."""
    told = noculture("import", str(folder), "--as", email, "--json", data=visit.site.data)
    link: str = told["sign_in_link"]
    return link


def test_the_system_page_is_the_operators_alone(visit: Visit):
    visit.sign_up()
    visit.go("/system")
    expect(visit.page.get_by_role("heading", name="You have no access to this")).to_be_visible()
    expect(visit.page.get_by_role("link", name="System")).to_have_count(0)


def test_the_theme_is_kept_without_a_flash(visit: Visit):
    visit.sign_up()
    visit.page.get_by_role("button", name="Account menu").click()
    visit.page.get_by_role("button", name="Switch between light and dark").click()
    chosen = visit.page.locator("html").get_attribute("data-theme")
    assert chosen in ("dark", "light")
    html = visit.page.request.get(visit.site.path("/vault")).text()
    assert f'<html lang="en" data-theme="{chosen}"' in html


def test_a_strange_address_gives_a_page_that_leads_back(visit: Visit):
    visit.sign_up()
    visit.go("/assets/ast_00000000000000000000000000000000")
    expect(visit.page.get_by_role("heading", name="Nothing is here")).to_be_visible()
    visit.page.get_by_role("link", name="To your music").click()
    visit.page.wait_for_url("**/vault")


def test_a_one_time_link_signs_in_once(visit: Visit, tmp_path):
    """What `import --as` prints for an address that has no account yet."""
    track = visit.site.music[1]
    shutil.copy(track.path, tmp_path)
    told = noculture("import", str(tmp_path), "--as", new_address(), "--json", data=visit.site.data)
    visit.page.goto(told["sign_in_link"])
    assert not visit.page.context.cookies(), "opening the link alone must not use it up"
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    visit.page.wait_for_url(visit.site.path("/"))
    visit.go("/vault")
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)
    visit.page.context.clear_cookies()
    visit.page.goto(told["sign_in_link"])
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(visit.page.get_by_role("heading", name="This link is used up")).to_be_visible()


def test_an_account_is_deleted_and_its_page_ends_with_a_certificate(visit: Visit):
    email = visit.sign_up()
    visit.go("/account")
    visit.page.get_by_role("link", name="Delete my account").click()
    six_minutes_go_by(visit.site)
    visit.page.get_by_label("Type “delete my account”").fill("delete my account")
    visit.page.get_by_role("button", name="Delete everything").click()
    expect(visit.page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    visit.page.get_by_label("Your password").fill("one sentence that is long")
    visit.page.get_by_role("button", name="Go on").click()
    visit.page.wait_for_url("**/erasures/ers_*")
    expect(visit.page.get_by_role("heading", name="Your account is erased")).to_be_visible(
        timeout=30_000
    )
    with visit.page.expect_download() as download:
        visit.page.get_by_role("link", name="Download certificate").click()
    assert json.loads(Path(download.value.path()).read_text())["signature"]
    visit.go("/sign-in")
    visit.page.get_by_label("E-mail").fill(email)
    visit.page.get_by_label("Password").fill("one sentence that is long")
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(visit.page.get_by_role("alert")).to_contain_text("wrong")
