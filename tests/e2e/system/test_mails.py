"""Mails of test mode: the operator reads what was sent, and clicks what is in it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import Visit, new_address, noculture


def test_an_operator_finds_a_mail_follows_its_link_and_makes_trouble(visit: Visit):
    page, email = visit.page, visit.sign_up("Somebody Forgetful")
    noculture("operator", "grant", email, data=visit.site.data)
    page.request.post(visit.site.path("/api/password-resets"), data={"email": email})
    visit.go("/system")
    expect(page.get_by_text("test mode", exact=True)).to_be_visible()
    page.get_by_role("link", name="Read the mails").click()
    expect(page.get_by_role("heading", name="Mails", level=1)).to_be_visible()

    page.get_by_label("To", exact=True).fill(new_address())
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("heading", name="No mail to this address")).to_be_visible()
    mail = page.get_by_role("link", name="Choose a new password")
    for _ in range(100):  # the worker sends it
        visit.go(f"/system/mails?to={email.upper()}")
        if mail.count():
            break
        page.wait_for_timeout(100)
    mail.click()
    expect(page.get_by_role("article")).to_contain_text(email)
    link = page.get_by_role("region", name="Links").get_by_role("link")
    expect(link).to_have_count(2)
    link.last.click()
    expect(page.get_by_role("heading", name="Choose a new password", level=1)).to_be_visible()
    assert page.url.startswith(visit.site.path("/reset-password/"))

    visit.go("/system/doubles/mail")
    page.get_by_label("What goes wrong").select_option("late")
    page.get_by_label("Seconds, if slow or late").fill("2.5")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="Late")).to_contain_text("2.5 s")
    page.get_by_role("button", name="Let all go well").click()
    expect(page.get_by_text("Empty: all goes well")).to_be_visible()
