"""Passkeys with Chromium's own virtual authenticator: what only a browser can show."""

from __future__ import annotations

from dataclasses import replace

import pyotp
import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Site, Visit, six_minutes_go_by

PASSWORD = "one sentence that is long"


@pytest.fixture
def site(site: Site) -> Site:
    """The same by a host name: browsers give addresses in numbers no passkeys."""
    return replace(site, base_url=site.base_url.replace("127.0.0.1", "localhost"))


def plug_in(visit: Visit) -> tuple[object, str]:
    """A phone that unlocks itself, for this page."""
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def test_a_passkey_is_added_signs_in_without_a_password_and_is_removed(visit: Visit):
    page = visit.page
    visit.sign_up("Passkey Owner")
    session, phone = plug_in(visit)
    visit.go("/account/security")
    page.get_by_label("Name of this device").fill("My phone")
    six_minutes_go_by(visit.site)
    page.get_by_role("button", name="Add a passkey").click()
    dialog = page.get_by_role("dialog", name="Confirm that it is you")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status").first).to_contain_text("passkey is added")
    expect(page.get_by_text("never used")).to_be_visible()

    page.context.clear_cookies()
    visit.go("/account/security")
    page.wait_for_url("**/sign-in?next=**")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account/security")
    expect(page.get_by_text("never used")).to_have_count(0)
    # The browser and the one that signed up with a password.
    expect(page.get_by_text("this browser")).to_have_count(1)

    page.get_by_role("button", name="Remove My phone").click()
    six_minutes_go_by(visit.site)
    question = page.get_by_role("alertdialog", name="Remove “My phone”?")
    question.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_role("button", name="Confirm with a passkey").click()
    expect(page.get_by_role("status").first).to_contain_text("removed")
    kept = session.send("WebAuthn.getCredentials", {"authenticatorId": phone})
    assert len(kept["credentials"]) == 1
    page.context.clear_cookies()
    visit.go("/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("passkey-sign-in [role=alert]")).to_contain_text("not known here any more")


def test_the_second_factor_is_set_up_and_asked_for_on_its_own_page(visit: Visit):
    page = visit.page
    email = visit.sign_up("Factor Owner")
    visit.go("/account/security")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    phone = pyotp.TOTP(page.locator("#factor-secret").inner_text())
    page.get_by_label("Code from your app").fill(phone.now())
    page.get_by_role("button", name="Turn on").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(8)
    recovery = codes.first.inner_text()
    page.context.clear_cookies()
    visit.go("/sign-in?next=/account/security")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    page.get_by_label("Code").fill(recovery)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/account/security")
    expect(page.get_by_text("7 recovery codes are left")).to_be_visible()
