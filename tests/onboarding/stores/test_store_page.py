from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from keyvault import pool
from keyvault.models import AuditEntry, Credential
from onboarding.models import GlassRequest, Member, Phase, Plan, Verification
from onboarding.people.selectors import actor_for
from onboarding.stores.services import create_store, pause_key, remove_key
from onboarding.submission.services import verify_credential
from simulator.running import RunningSimulator
from tests.onboarding.capacity.sales import lend
from tests.onboarding.cast import BY_TESTS, credential, merchant, person, signed_in, store
from tests.onboarding.oauth.desk import opened
from tests.onboarding.submission.desk import Desk, desk, heading, text
from tests.onboarding.vendor import known_pair, pasted, without

pytestmark = pytest.mark.django_db
State = Credential.State
MOST_QUERIES = 10


def page_of(at: Desk) -> str:
    return text(at.client.get(f"/stores/{at.store.pk}/"))


def with_key(at: Desk, simulator: RunningSimulator) -> tuple[Credential, str]:
    known = known_pair(simulator)
    at.paste(**pasted(known))
    at.press("store", at.submission())
    return at.submission().credential, known.key.get_secret_value()  # type: ignore[return-value]


def press(at: Desk, button: str, key: Credential, **fields: str) -> str:
    url = f"/stores/{at.store.pk}/keys/{key.pk}/{button}/"
    return text(at.client.post(url, fields, follow=True))


def live_key(at: Desk) -> Credential:
    return Credential.objects.get(keychain_id=at.store.pk, state=State.ACTIVE)


def test_a_store_without_a_key_leads_to_the_first_one() -> None:
    page = page_of(desk())
    assert "Your app needs its first key" in page
    assert page.count("Add a key") == 1
    assert "I already have a key" in page


def test_a_working_store_says_ok_and_shows_its_key(simulator: RunningSimulator) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    page = page_of(at)
    assert "OK: your app works" in page
    assert f"…{key.last_four}" in page
    assert "12/12" in page
    assert "297 of 300 left" in page
    assert "Add a key" in page
    assert value not in page


def test_a_pair_that_waits_is_the_thing_to_do(simulator: RunningSimulator) -> None:
    at = desk()
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    assert "Act: your key is not stored yet" in page_of(at)
    with_key(at, simulator)
    assert "A key that you pasted is not stored yet" in page_of(at)


def test_a_key_that_is_switched_off_breaks_the_store_and_recovers(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    simulator.put_key(key=value, enabled=False)
    page = press(at, "check", key)
    assert "Broken: Lightspeed refuses your key" in page
    key.refresh_from_db()
    assert key.state == State.SUSPENDED
    simulator.put_key(key=value, enabled=True)
    page = press(at, "check", key)
    assert "OK: your app works" in page
    assert {"credential.suspended", "credential.recovered"} <= set(
        AuditEntry.objects.values_list("action", flat=True)
    )


def test_one_refused_key_of_two_is_something_to_do(simulator: RunningSimulator) -> None:
    at = desk()
    with_key(at, simulator)
    key, value = with_key(at, simulator)
    simulator.put_key(key=value, enabled=False)
    page = press(at, "check", key)
    assert "Act: Lightspeed refuses one of your keys" in page


def test_a_box_that_was_unticked_is_named_and_suspends_nothing(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    simulator.put_key(key=value, permissions=without(("orders", "write")))
    page = press(at, "check", key)
    assert "Act: a box is not ticked" in page
    assert "11/12" in page
    assert 'tick "Orders – Write" in your Back Office, then Save' in page  # noqa: RUF001
    key.refresh_from_db()
    assert key.state == State.ACTIVE


def test_an_outage_changes_nothing_of_a_stored_key(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    simulator.add_fault(path="account/permissions", kind="500", count=1)
    page = press(at, "check", key)
    assert "Lightspeed did not answer." in page
    assert "OK: your app works" in page


def test_pause_and_resume(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    assert "Broken: every key is paused" in press(at, "pause", key)
    assert "Somebody changed this key" not in press(at, "pause", key)
    assert "OK: your app works" in press(at, "resume", key)


def test_a_paused_key_stays_paused_whatever_its_check_says(simulator: RunningSimulator) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    press(at, "pause", key)
    simulator.put_key(key=value, enabled=False)
    press(at, "check", key)
    key.refresh_from_db()
    assert key.state == State.PAUSED


def test_a_change_that_does_not_fit_any_more_is_said(simulator: RunningSimulator) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    simulator.put_key(key=value, enabled=False)
    press(at, "check", key)
    Credential.objects.filter(pk=key.pk).update(state=State.SUSPENDED)
    assert "Somebody changed this key a moment ago." in press(at, "resume", key)


def test_removing_asks_for_the_last_four_and_says_what_stops(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    url = f"/stores/{at.store.pk}/keys/{key.pk}/remove/"
    page = text(at.client.get(url))
    assert "This is the only key. Bike App stops working at once" in page
    wrong = at.client.post(url, {"typed": "nope"})
    assert wrong.status_code == 422
    assert "There is a problem" in text(wrong)
    page = text(at.client.post(url, {"typed": f" {key.last_four.upper()} "}, follow=True))
    assert "is removed" in page
    key.refresh_from_db()
    assert key.state == State.REVOKED
    assert bytes(key.sealed) == b""
    assert at.client.get(url).status_code == 404


def test_removing_one_of_several_says_that_the_app_goes_on(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    with_key(at, simulator)
    page = text(at.client.get(f"/stores/{at.store.pk}/keys/{key.pk}/remove/"))
    assert "goes on with your other keys" in page


def test_checking_a_stored_key_takes_permits_first(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    verification = verify_credential(credential=key, actor=BY_TESTS)
    assert verification.outcome == "passed"
    day = pool.budgets(credential_ids=[key.pk])[key.pk][-1]
    assert day.limit - day.remaining == simulator.stats()["requests"] == 6


def test_an_unusual_check_is_counted_to_its_last_request(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    simulator.add_fault(path="account/permissions", kind="html", count=1)
    verify_credential(credential=key, actor=BY_TESTS)
    day = pool.budgets(credential_ids=[key.pk])[key.pk][-1]
    assert day.limit - day.remaining == simulator.stats()["requests"] == 12


def test_a_key_without_a_free_permit_is_not_checked(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    while pool.reserve(credential_id=key.pk, requests=10):
        pass
    asked = simulator.stats()["requests"]
    while pool.reserve(credential_id=key.pk, requests=1):
        pass
    assert "Try again in a minute" in press(at, "check", key)
    assert simulator.stats()["requests"] == asked


def test_activity_is_told_in_plain_words_with_names(simulator: RunningSimulator) -> None:
    at = desk()
    with_key(at, simulator)
    page = text(at.client.get(f"/stores/{at.store.pk}/activity/"))
    assert "A key was stored: Bike App mobile …" in page
    assert "owner@example.test" in page
    assert "credential." not in page


def test_a_person_with_several_stores_sees_them_with_their_states(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    with_key(at, simulator)
    broken = store(at.store.merchant, name="Second Shop")
    Credential.objects.filter(pk=credential(broken).pk).update(state=State.SUSPENDED)
    store(at.store.merchant, name="Third Shop")
    page = at.client.get("/stores/")
    assert heading(page) == "Your stores"
    assert all(word in text(page) for word in ("OK", "Broken", "No key yet"))


@pytest.mark.parametrize("ailment", ["refused", "box"])
def test_the_list_says_act_when_the_stores_own_page_does(
    ailment: str, simulator: RunningSimulator
) -> None:
    at = desk()
    key, value = with_key(at, simulator)
    store(at.store.merchant, name="Second Shop")
    if ailment == "refused":
        Credential.objects.filter(pk=credential(at.store).pk).update(state=State.SUSPENDED)
    else:
        simulator.put_key(key=value, permissions=without(("orders", "write")))
        press(at, "check", key)
    assert "Act: " in page_of(at)
    page = text(at.client.get("/stores/"))
    assert "Act" in page
    assert "OK" not in page


def test_a_person_with_one_store_goes_straight_to_it() -> None:
    at = desk()
    assert at.client.get("/stores/").headers["Location"] == f"/stores/{at.store.pk}/"


def test_a_person_without_a_store_is_told_whom_to_ask() -> None:
    assert "No store yet" in text(signed_in(person("new")).get("/stores/"))


def test_a_stopped_walkthrough_can_be_gone_on_with() -> None:
    at = desk()
    at.client.post(
        f"/stores/{at.store.pk}/walkthrough/1/",
        {"owner": "yes", "plan": "yes", "keys_wanted": "1"},
    )
    assert "You stopped at step 2 of 6." in page_of(at)


def test_the_store_page_asks_the_same_however_many_keys_there_are(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    counts = []
    for _ in range(2):
        for _ in range(3):
            with_key(at, simulator)
        with CaptureQueriesContext(connection) as queries:
            page_of(at)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MOST_QUERIES
    assert Verification.objects.count() == 6


def test_a_page_that_shows_everything_still_asks_ten_times(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    at.paste(replaces=str(key.pk), **pasted(known_pair(simulator)))
    at.press("store", at.submission())
    at.paste(**pasted(known_pair(simulator, lacking=("orders", "write"))))
    opened()
    lend(live_key(at), permits=5, at=timezone.now() - timedelta(minutes=5))
    plan = Plan.objects.create(name="Farewell", endpoint="ecom-eu1", state="active")
    Phase.objects.create(plan=plan, effect="keys_refused", starts_at=timezone.now())
    removed = credential(at.store)
    colleague = actor_for(person("colleague"))
    remove_key(credential=removed, actor=colleague)
    pause_key(credential=credential(at.store), actor=colleague)
    with CaptureQueriesContext(connection) as queries:
        page = page_of(at)
    assert "Your key works until" in page
    assert "A key that you pasted is not stored yet" in page
    assert "kept until" in page
    assert "Last 24 hours" in page
    assert "Other ways to connect" in page
    assert f"A key was removed and destroyed: {removed}" in page
    assert "colleague@example.test" in page
    assert len(queries) <= MOST_QUERIES


def test_creating_a_store_makes_its_keychain_and_says_so() -> None:
    company = merchant()
    made = create_store(merchant=company, name="New", app_name="New App", actor=BY_TESTS)
    assert made.keychain.wrapped_dek is not None
    assert AuditEntry.objects.filter(action="store.created", keychain_id=made.pk).exists()
    assert not Member.objects.filter(merchant=company).exists()


def test_a_key_that_staff_have_opened_asks_to_be_replaced(simulator: RunningSimulator) -> None:
    at = desk()
    key, _ = with_key(at, simulator)
    now = timezone.now()
    GlassRequest.objects.create(
        credential=key,
        reason="incident",
        public_key=bytes(32),
        state="used",
        asked_by=person("anna"),
        asked_at=now,
        decided_by=person("ben"),
        decided_at=now,
        used_at=now,
    )
    page = page_of(at)
    assert "Act: replace a key" in page
    assert "Our staff opened this key in an emergency" in page
    assert f"?replaces={key.pk}" in at.client.get(f"/stores/{at.store.pk}/").content.decode()
