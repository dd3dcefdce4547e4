"""Every page of the panel in both widths and both themes, and the keyboard on its first page."""

import re

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from keyvault.models import Alert, AuditEntry
from onboarding.models import OutgoingMail, Submission, User, Verification
from tests.browser.shopper import (
    NARROW,
    WIDE,
    assert_accessible,
    assert_fits,
    keep_picture,
    window,
)
from tests.browser.staff_scene import Panel, panel
from tests.onboarding.cast import confirmed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# Each width and each theme once: four looks would only take twice the time.
LOOKS = [(WIDE, "light"), (NARROW, "dark")]
TABLES = [
    "keyvault/alert",
    "keyvault/auditcheckpoint",
    "keyvault/auditentry",
    "keyvault/backend",
    "keyvault/backendtoken",
    "keyvault/credential",
    "keyvault/draft",
    "keyvault/lease",
    "keyvault/webhookdelivery",
    "keyvault/webhookendpoint",
    "onboarding/invitation",
    "onboarding/member",
    "onboarding/merchant",
    "onboarding/outgoingmail",
    "onboarding/store",
    "onboarding/storenote",
    "onboarding/submission",
    "onboarding/user",
    "onboarding/verification",
]


def page_of(browser: Browser, live_server: LiveServer, user: User) -> Page:
    """A browser in which somebody has signed in and has just confirmed that it is they."""
    context = window(browser, live_server.url)
    cookie = confirmed(user).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return context.new_page()


def look_at(page: Page, addresses: dict[str, str]) -> None:
    """Each page in every look, with a picture."""
    wrong = []
    for name, address in addresses.items():
        answer = page.goto(address)
        if answer is None or not answer.ok:
            wrong.append(f"{address} is not there")
        wrong += faults_of(page, name)
    close(page.context)
    assert wrong == []


def look_around(page: Page, name: str) -> None:
    assert faults_of(page, name) == []


def faults_of(page: Page, name: str) -> list[str]:
    """What is wrong with a page, by look, so that one run finds all of it."""
    faults = []
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for check in (assert_fits, assert_accessible):
            try:
                check(page)
            except AssertionError as fault:
                faults.append(f"{theme}: {fault}")
        keep_picture(page, f"staff-{width}-{theme}-{name}")
    return faults


def close(context: BrowserContext) -> None:
    context.close()


def row(model: str, pk: object) -> str:
    return f"/staff/{model}/{pk}/change/"


def test_pages_that_show_what_is_going_on(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    pages = {
        "index": "/staff/",
        "search": "/staff/search/?q=bike",
        "search-nothing": "/staff/search/?q=nothing-of-the-kind",
        "reports": "/staff/reports/",
        "work": "/staff/due-work/",
        "team": "/staff/team/",
        "mails": "/staff/mails/",
        "mail": "/staff/mails/invitation/nl/",
        "store": row("onboarding/store", at.shop.pk),
        "as-merchant": f"/staff/stores/{at.shop.pk}/as-merchant/",
        "key": row("keyvault/credential", at.key.pk),
    }
    look_at(page_of(browser, live_server, at.anna), pages)


def test_pages_on_which_something_is_done(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    pages = {
        "invite": "/staff/invite/",
        "invite-to": f"/staff/merchants/{at.company.pk}/invite/",
        "add-store": f"/staff/merchants/{at.company.pk}/stores/",
        "note": f"/staff/stores/{at.shop.pk}/notes/",
        "team-add": "/staff/team/add/",
        "alerts-handle": f"/staff/alerts/handle/?alert={Alert.objects.get().pk}",
        "signing-key": f"/staff/backends/{at.backend.pk}/signing-key/",
        "backend-new": "/staff/backends/new/",
        "backend-switch": f"/staff/backends/{at.backend.pk}/switch/",
        "token-new": f"/staff/backends/{at.backend.pk}/tokens/",
        "token-decide": f"/staff/backends/tokens/{at.waiting_token.token_id}/decide/",
        "token-revoke": f"/staff/backends/tokens/{at.token.token_id}/revoke/",
        "glass": "/staff/glass/",
        "glass-ask": f"/staff/glass/keys/{at.key.pk}/",
        "glass-waiting": f"/staff/glass/{at.waiting.pk}/",
        "glass-used": f"/staff/glass/{at.used.pk}/",
        "factors": "/staff/cases/factors/",
    }
    look_at(page_of(browser, live_server, at.anna), pages)


def test_pages_about_moves_and_cases(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    plan = f"/staff/plans/{at.campaign.plan_id}/"
    pages = {
        "cases": "/staff/cases/",
        "case": f"/staff/cases/{at.case.pk}/",
        "store-factors": f"/staff/cases/{at.case.pk}/factors/",
        "plans": "/staff/plans/",
        "plan": plan,
        "plan-edit": f"{plan}edit/",
        "plan-new": "/staff/plans/new/",
        "campaign": f"/staff/campaigns/{at.campaign.pk}/",
        "campaign-new": f"{plan}campaigns/new/",
        "waiting": "/staff/waiting/",
        "providers": "/staff/providers/",
        "provider": "/staff/providers/retail-r/",
        "legacy-keys": "/staff/legacy-keys/",
    }
    look_at(page_of(browser, live_server, at.anna), pages)


@pytest.mark.timeout(240)
def test_every_table_and_a_row_of_each(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    first = {
        "onboarding/merchant": at.company.pk,
        "onboarding/verification": Verification.objects.first(),
        "onboarding/outgoingmail": OutgoingMail.objects.first(),
        "onboarding/submission": Submission.objects.first(),
        "keyvault/alert": Alert.objects.first(),
        "keyvault/auditentry": AuditEntry.objects.first(),
        "keyvault/backend": at.backend.pk,
    }
    pages = {f"table-{each}": f"/staff/{each}/" for each in TABLES}
    pages |= {
        f"row-{model}": row(model, getattr(found, "pk", found))
        for model, found in first.items()
        if found is not None
    }
    look_at(page_of(browser, live_server, at.anna), pages)


def test_rows_are_shown_before_they_are_paused(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    page = page_of(browser, live_server, at.anna)
    page.goto("/staff/keyvault/credential/?state__exact=active")
    for box in page.locator("input.action-select").all():
        box.check()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pause these keys?")
    look_around(page, "pause")
    page.get_by_role("button", name="Pause them").click()
    expect(page.get_by_text("Done for 2 keys.")).to_be_visible()
    close(page.context)


def test_two_people_break_glass(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    bens = page_of(browser, live_server, at.ben)
    annas = page_of(browser, live_server, at.anna)
    bens.goto("/staff/")
    annas.goto("/staff/")
    annas.get_by_role("link", name=re.compile("Broken glass")).click()
    annas.get_by_role("row", name="Waits for a second person").get_by_role("link").click()
    annas.get_by_role("button", name="Approve for 15 minutes").click()
    expect(annas.get_by_text("Only the person who asked can open it.")).to_be_visible()
    bens.goto(f"/staff/glass/{at.waiting.pk}/")
    look_around(bens, "glass-approved")
    bens.get_by_role("button", name="Break the glass").click()
    expect(bens.get_by_text("This is shown once")).to_be_visible()
    look_around(bens, "glass-opened")
    bens.get_by_role("button", name="Copy it").click()
    expect(bens.get_by_role("button", name="Copied")).to_be_visible()
    copied = bens.evaluate("navigator.clipboard.readText()")
    assert copied == bens.locator("#sealed").inner_text().strip()
    bens.reload()
    expect(bens.get_by_text("This is shown once")).to_have_count(0)
    expect(bens.get_by_text("It was opened once")).to_be_visible()
    close(bens.context)
    close(annas.context)


def test_two_people_make_a_token(browser: Browser, live_server: LiveServer) -> None:
    at = panel()
    annas = page_of(browser, live_server, at.anna)
    annas.goto("/staff/keyvault/backend/")
    annas.get_by_role("link", name="Register a backend").click()
    annas.get_by_role("button", name="Make the token").click()
    expect(annas.locator(".error-summary")).to_be_visible()
    look_around(annas, "backend-new-errors")
    annas.get_by_label("Name", exact=True).fill("Bike App, second place")
    annas.get_by_label("Stores (if only these)").fill(at.shop.name)
    annas.get_by_role("button", name="Make the token").click()
    expect(annas.get_by_text("This is shown once")).to_be_visible()
    look_around(annas, "token-made")
    annas.get_by_role("button", name="Copy it").click()
    expect(annas.get_by_role("button", name="Copied")).to_be_visible()
    assert annas.evaluate("navigator.clipboard.readText()").startswith("lk_")
    annas.get_by_role("link", name="I have it").click()
    expect(annas.get_by_text("Waits for a second person")).to_be_visible()
    bens = page_of(browser, live_server, at.ben)
    bens.goto("/staff/")
    bens.get_by_role("link", name="Bike App, second place").click()
    bens.get_by_role("button", name="Let it work").click()
    expect(bens.get_by_text("It works from now on.")).to_be_visible()
    look_around(bens, "backend-with-tokens")
    bens.get_by_role("link", name=re.compile("Revoke")).click()
    expect(bens.get_by_text("It is the only one that works")).to_be_visible()
    look_around(bens, "token-revoke-last")
    bens.get_by_role("button", name="Revoke it").click()
    expect(bens.get_by_text("Revoked. It is refused from now on.")).to_be_visible()
    close(annas.context)
    close(bens.context)


def test_who_has_not_confirmed_is_asked_and_goes_on(
    browser: Browser, live_server: LiveServer
) -> None:
    at = panel()
    page = page_of(browser, live_server, at.anna)
    page.context.clear_cookies()
    page.goto(f"/staff/glass/keys/{at.key.pk}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    close(page.context)


def test_the_keyboard_reaches_the_queue_and_the_search(
    browser: Browser, live_server: LiveServer
) -> None:
    at: Panel = panel()
    page = page_of(browser, live_server, at.anna)
    page.goto("/staff/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("document.activeElement.matches(':focus-visible')")
    assert seen[0] == "Invite a merchant"
    assert "Search" in seen
    page.get_by_label("Search everything").fill("bike")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Stores")).to_be_visible()
    close(page.context)
