"""From the button to a stored grant, and every way in which nothing is stored."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from keyvault import vault
from keyvault.audit import SYSTEM
from keyvault.models import AuditEntry, Credential, Grant
from keyvault.renewal import renew
from keyvault.renewal.renewing import Outcome as Renewal
from keyvault.vault import AccessTokenSecret
from lightspeed.oauth.r_series import R_SERIES
from onboarding.models import Consent, User
from onboarding.oauth.duties import CONSENTS
from onboarding.oauth.ending import give_up
from onboarding.oauth.outcomes import Outcome
from onboarding.oauth.selectors import scope_rows
from simulator.running import RunningSimulator
from tests.onboarding.cast import merchant, person, signed_in, store
from tests.onboarding.oauth.desk import ACCOUNTS, desk, opened, overdue, query_of

pytestmark = pytest.mark.django_db

BOTH = pytest.mark.parametrize("provider", sorted(ACCOUNTS))


@BOTH
def test_a_merchant_connects_checks_and_stores(vendor: RunningSimulator, provider: str) -> None:
    opened()
    at = desk(vendor)
    consent = at.go(provider)
    assert consent.state == Consent.State.WAITING
    assert at.stored() == 0
    page = at.show(consent)
    assert "Corner Shop" in page
    assert page.count("Allowed") == len(consent.scopes.split())
    done = at.answer(consent, yes="1")
    assert "is connected" in done.content.decode()
    credential = Credential.objects.get()
    grant = Grant.objects.get()
    assert (credential.kind, credential.state) == ("bearer", "active")
    assert (grant.provider, grant.account) == (provider, ACCOUNTS[provider])
    assert credential.endpoint.partition("/")[0] == provider
    consent.refresh_from_db()
    assert (consent.state, bytes(consent.sealed_pair)) == ("stored", b"")


@BOTH
def test_a_connection_is_renewed_at_the_vendor(vendor: RunningSimulator, provider: str) -> None:
    opened()
    credential = desk(vendor).connect(provider)
    for generation in (2, 3):
        overdue(credential)
        assert renew(credential_id=credential.pk) is Renewal.RENEWED
        assert Grant.objects.get().generation == generation


def test_the_way_to_the_vendor_has_pkce_state_and_the_exact_address(
    vendor: RunningSimulator,
) -> None:
    opened()
    asked = query_of(desk(vendor).begin())
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "http://testserver/connect/retail-r/callback/"
    assert len(asked["state"]) >= 32
    assert asked["state"] not in repr(Consent.objects.values().get())


@BOTH
def test_no_means_nothing_is_stored(vendor: RunningSimulator, provider: str) -> None:
    opened()
    at = desk(vendor)
    consent = at.go(provider, decision="deny")
    assert (consent.state, consent.outcome) == ("failed", "denied")
    assert "You did not approve access" in at.show(consent)
    assert at.stored() == 0


@BOTH
def test_a_missing_permission_stores_nothing_and_is_named(
    vendor: RunningSimulator, provider: str
) -> None:
    opened()
    at = desk(vendor)
    lacking = {"retail-r": "employee:customers", "retail-x": "sales:write"}[provider]
    consent = at.go(provider, without=lacking)
    page = at.show(consent)
    assert "Some permissions are missing" in page
    assert lacking in page
    assert page.count("Missing") == 1
    assert at.stored() == 0
    assert bytes(consent.sealed_pair) == b""
    # What was approved too little is given back.
    assert (
        vendor.retail(lambda each: each.grants())["alive"]
        < vendor.retail(lambda each: each.grants())["families"]
    )


def test_an_expired_code_has_its_own_words(vendor: RunningSimulator) -> None:
    opened()
    vendor.retail(lambda each: each.set_rules({"series": "r", "code_seconds": 0}))
    at = desk(vendor)
    consent = at.go()
    assert consent.outcome == "code_expired"
    assert "was too old" in at.show(consent)


def test_a_callback_works_once(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin())
    assert at.come_back(location).status_code == 302
    again = at.come_back(location)
    assert again.status_code == 409
    assert "This link is over" in again.content.decode()
    assert Consent.objects.get().state == Consent.State.WAITING


def test_a_callback_belongs_to_its_session(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin())
    assert at.come_back(location, client=signed_in(at.user)).status_code == 409
    assert Consent.objects.get().state == Consent.State.ASKED


def test_a_callback_belongs_to_its_person(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin())
    other = signed_in(person("other"))
    session = other.session
    session["oauth_session"] = at.client.session["oauth_session"]
    session.save()
    assert at.come_back(location, client=other).status_code == 409


def test_a_callback_needs_a_sign_in(vendor: RunningSimulator) -> None:
    answer = Client().get("/connect/retail-r/callback/?code=c&state=s")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("state", ["", "nonsense", "x" * 5000])
def test_a_made_up_state_is_refused(vendor: RunningSimulator, state: str) -> None:
    opened()
    at = desk(vendor)
    at.begin()
    assert at.come_back(f"/connect/retail-r/callback/?code=c&state={state}").status_code == 409


def test_a_callback_of_another_provider_is_refused(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin()).replace("retail-r", "retail-x")
    assert at.come_back(location).status_code == 409


@pytest.mark.parametrize("shop", ["evil.test/", "a.b", "", "UPPER", "-x"])
def test_a_hostile_domain_prefix_is_never_asked(vendor: RunningSimulator, shop: str) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin("retail-x"), provider="retail-x")
    calls = vendor.stats()["token_calls"]
    at.come_back(location.replace("domain_prefix=corner-shop", f"domain_prefix={shop}"))
    assert at.consent().outcome == "unusable"
    assert vendor.stats()["token_calls"] == calls


def test_a_prefix_of_another_shop_than_the_tokens_is_unusable(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin("retail-x"), provider="retail-x")
    at.come_back(location.replace("domain_prefix=corner-shop", "domain_prefix=second-shop"))
    assert at.consent().outcome == "unusable"


def test_another_issuer_is_refused(vendor: RunningSimulator) -> None:
    opened()
    vendor.retail(lambda each: each.set_rules({"series": "r", "issuer": "https://evil.test"}))
    assert desk(vendor).go().outcome == "unusable"


def test_an_outage_says_so(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    vendor.add_fault(path="auth/oauth/token", kind="500")
    consent = at.go()
    assert consent.outcome == "unavailable"
    assert "does not answer" in at.show(consent)


def test_an_outage_after_the_exchange_keeps_nothing_here_or_there(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    vendor.add_fault(path="API/V3/Account.json", kind="500")
    alive = vendor.retail(lambda each: each.grants())["alive"]
    consent = at.go()
    assert (consent.outcome, bytes(consent.sealed_pair)) == ("unavailable", b"")
    # The pair was durable before it was used, so it could be given back.
    assert vendor.retail(lambda each: each.grants())["alive"] == alive


def test_our_own_wrong_secret_is_our_fault(vendor: RunningSimulator) -> None:
    opened(secret="wrong")
    at = desk(vendor)
    consent = at.go()
    assert consent.outcome == "operator"
    assert "This is our fault" in at.show(consent)


def test_an_account_of_another_store_is_refused_without_naming_it(
    vendor: RunningSimulator,
) -> None:
    opened()
    desk(vendor).connect()
    at = desk(vendor, "second")
    consent = at.go()
    assert consent.outcome == "in_use"
    assert "connected already" in at.show(consent)
    assert at.stored() == 0


def test_who_changes_their_mind_stores_nothing(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    page = at.answer(consent, no="1").content.decode()
    assert "Nothing was connected" in page
    consent.refresh_from_db()
    assert (consent.state, bytes(consent.sealed_pair)) == ("failed", b"")


def test_what_is_over_is_not_given_up_again(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    at.answer(consent, no="1")
    consent.refresh_from_db()
    assert give_up(consent=consent, outcome=Outcome.TOO_LATE).outcome == "cancelled"


def test_a_vendor_that_is_down_does_not_keep_us_from_shredding(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    vendor.add_fault(path="auth/oauth/revoke", kind="500")
    at.answer(consent, no="1")
    consent.refresh_from_db()
    assert bytes(consent.sealed_pair) == b""


def test_scopes_that_the_vendor_does_not_tell_are_not_called_missing() -> None:
    rows = scope_rows(provider=R_SERIES, granted="")
    assert {row.cell for row in rows} == {"unchecked"}


def test_a_form_that_is_sent_twice_stores_one_grant(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    at.answer(consent, yes="1")
    at.answer(consent, yes="1")
    assert at.stored() == 1
    assert at.client.get(at.page_of(consent)).status_code == 302


def test_two_tabs_connect_one_account_once(vendor: RunningSimulator) -> None:
    opened()
    at, other = desk(vendor), desk(vendor, "second")
    first, second = at.go(), other.go()
    at.answer(first, yes="1")
    page = other.answer(second, yes="1").content.decode()
    assert "connected already" in page
    assert Credential.objects.count() == 1


def test_half_an_hour_is_the_limit(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    location = at.at_vendor(at.begin())
    Consent.objects.update(expires_at=timezone.now())
    at.come_back(location)
    assert at.consent().outcome == "too_late"


def test_a_check_that_takes_too_long_stores_nothing(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    Consent.objects.update(expires_at=timezone.now())
    assert "That took too long" in at.answer(consent, yes="1").content.decode()
    assert at.stored() == 0


def test_what_is_left_lying_is_shredded(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    at.go()
    now = timezone.now()
    assert CONSENTS.run(now) == 0
    assert CONSENTS.run(now + timedelta(hours=1)) == 1
    consent = at.consent()
    assert (consent.state, consent.outcome, bytes(consent.sealed_pair)) == (
        "failed",
        "too_late",
        b"",
    )


def test_a_pair_that_does_not_open_keeps_no_other_from_being_shredded(
    vendor: RunningSimulator,
) -> None:
    opened()
    at = desk(vendor)
    broken = at.go()
    Consent.objects.filter(pk=broken.pk).update(sealed_pair=b"\0" * 60)
    left = desk(vendor, "second").go()
    assert CONSENTS.run(timezone.now() + timedelta(hours=1)) == 2
    for consent in (broken, left):
        consent.refresh_from_db()
        assert (consent.state, bytes(consent.sealed_pair)) == ("failed", b"")


def test_a_token_that_ran_out_meanwhile_is_renewed_at_once(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    Consent.objects.update(access_expires_at=timezone.now() - timedelta(seconds=5))
    at.answer(consent, yes="1")
    grant = Grant.objects.get()
    assert grant.due_at is not None
    assert grant.due_at <= timezone.now() + timedelta(seconds=1)


def test_connecting_records_what_the_web_shop_runs_on(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    url = f"/stores/{at.store.pk}/connect/retail-r/"
    assert '<option value="ecom" selected>' in at.client.get(url).content.decode()
    at.client.post(url, {"platform": "woocommerce"})
    at.client.post(url, {"platform": "spaceship"})
    assert '<option value="woocommerce" selected>' in at.client.get(url).content.decode()


def test_what_is_asked_of_the_merchant_is_asked_in_their_language(
    vendor: RunningSimulator,
) -> None:
    opened()
    at = desk(vendor)
    User.objects.update(language="nl")
    page = at.client.get(f"/stores/{at.store.pk}/connect/retail-r/").content.decode()
    assert "Producten en voorraad" in page
    assert ">Iets anders</option>" in page


def test_a_closed_provider_leads_to_the_waiting_line(vendor: RunningSimulator) -> None:
    opened(is_open=False)
    at = desk(vendor)
    url = f"/stores/{at.store.pk}/connect/retail-r/"
    assert "Join the waiting line" in at.client.get(url).content.decode()
    assert "cannot be connected yet" in at.client.post(url).content.decode()
    assert not Consent.objects.exists()


def test_an_unknown_provider_is_not_there(vendor: RunningSimulator) -> None:
    at = desk(vendor)
    assert at.client.get(f"/stores/{at.store.pk}/connect/retail-q/").status_code == 404


def test_the_page_may_lead_to_the_vendor_and_nowhere_else(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    answer = at.client.get(f"/stores/{at.store.pk}/connect/retail-r/")
    policy = answer.headers["Content-Security-Policy"]
    (actions,) = [part for part in policy.split("; ") if part.startswith("form-action")]
    assert actions == f"form-action 'self' {vendor.url_eu1}"


def test_a_consent_of_somebody_else_is_not_there(vendor: RunningSimulator) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    owner = person("outsider")
    store(merchant("Elsewhere", owner=owner))
    assert signed_in(owner).get(at.page_of(consent)).status_code == 404
    nobodys = at.page_of(consent).replace(str(consent.pk), str(at.store.pk))
    assert at.client.get(nobodys).status_code == 404


def test_no_token_is_seen_anywhere(
    vendor: RunningSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    opened()
    at = desk(vendor)
    consent = at.go()
    page = at.show(consent)
    at.answer(consent, yes="1")
    credential = vault.openable_credentials(keychain_id=at.store.pk).get()
    secret = vault.open_credential(credential=credential, actor=SYSTEM)
    assert isinstance(secret, AccessTokenSecret)
    token = secret.access_token.get_secret_value()
    seen = page + caplog.text + repr(list(Consent.objects.values()))
    seen += repr(list(AuditEntry.objects.values())) + repr(dict(at.client.session))
    assert token not in seen
