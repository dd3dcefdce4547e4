"""Phases with dates and effects, on the vendor's clock."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyvault import retirement
from keyvault.audit import Action
from keyvault.models import AuditEntry, Backend, Credential, WebhookEndpoint
from onboarding.errors import PhaseStartedError, PlanError
from onboarding.migration import plans
from onboarding.migration.example import add_example_plan
from onboarding.migration.selectors import dry_run
from onboarding.migration.starting import PHASES, REFUSALS
from onboarding.models import Phase, Plan
from simulator.running import RunningSimulator
from tests.onboarding.cast import confirmed, credential, merchant, person, signed_in, store
from tests.onboarding.migration.scene import (
    FACTS,
    Effect,
    add_phase,
    key_of,
    later,
    migrating,
    plan,
    staff,
)
from tests.onboarding.oauth.desk import opened

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PAST = timedelta(seconds=-1)


def headers() -> dict[str, str]:
    return retirement.headers_for(endpoint="retail-r-key", kind="basic")


def test_a_date_is_on_the_vendors_clock() -> None:
    phase = plans.set_phase(
        plan=plan(),
        effect=Effect.KEYS_REFUSED,
        local=datetime.fromisoformat("2017-01-01"),
        user=staff(),
    )
    assert phase.starts_at == datetime(2017, 1, 1, 5, tzinfo=UTC)
    assert phase.local_start.isoformat() == "2017-01-01T00:00:00"


def test_a_time_that_the_clock_skips_cannot_be() -> None:
    with pytest.raises(PlanError):
        plans.moment_of(
            local=datetime.fromisoformat("2026-03-29T02:30"), time_zone="Europe/Amsterdam"
        )
    moment = plans.moment_of(
        local=datetime.fromisoformat("2026-10-25T02:30"), time_zone="Europe/Amsterdam"
    )
    assert moment == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_draft_has_no_effect(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    plan(keys_refused=PAST)
    assert PHASES.run(later()) == 0
    assert headers() == {}
    assert key_of(at).state == "active"


def test_an_active_plan_announces_both_dates() -> None:
    made = plan(announce=DAY, keys_refused=30 * DAY)
    plans.activate(plan=made, user=staff())
    assert set(headers()) == {"Deprecation", "Sunset", "Link"}
    plans.call_off(plan=made, user=staff())
    assert headers() == {}
    assert PHASES.run(later(days=40)) == 0


def test_a_phase_starts_once_when_its_time_has_come(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = plan(announce=DAY, keys_refused=2 * DAY)
    plans.activate(plan=made, user=staff())
    assert PHASES.run(later()) == 0
    assert PHASES.run(later(days=1.5)) == 1
    assert key_of(at).state == "active"
    assert PHASES.run(later(days=2.5)) == 1
    assert key_of(at).state == "suspended"
    assert PHASES.run(later(days=3)) == 0
    assert AuditEntry.objects.filter(action=Action.PHASE_STARTED).count() == 2


def test_keys_that_come_after_the_refusal_are_refused_too(vendor: RunningSimulator) -> None:
    made = plan(keys_refused=PAST)
    plans.activate(plan=made, user=staff())
    PHASES.run(later())
    at = migrating(vendor)
    assert REFUSALS.run(later()) == 1
    assert key_of(at).state == "suspended"


def test_other_keys_are_left_alone(vendor: RunningSimulator) -> None:
    other = credential(store(merchant()))
    plans.activate(plan=plan(keys_refused=PAST), user=staff())
    PHASES.run(later())
    other.refresh_from_db()
    assert other.state == "active"


def test_a_store_that_has_moved_is_not_affected(vendor: RunningSimulator) -> None:
    opened()
    at = migrating(vendor)
    made = plan(keys_refused=PAST)
    assert [each.stores for each in dry_run(plan=made, now=later())] == [[at.store]]
    at.connect(account=str(at.store.shop_id))
    assert [each.stores for each in dry_run(plan=made, now=later())] == [[]]
    plans.activate(plan=made, user=staff())
    PHASES.run(later())
    assert Credential.objects.get(kind="bearer").state == "active"


def test_a_dry_run_changes_nothing_and_names_what_is_overdue(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    made = plan(announce=PAST, keys_refused=DAY, refresh_required=2 * DAY)
    runs = dry_run(plan=made, now=later())
    assert [(each.phase.effect, each.is_overdue, len(each.stores)) for each in runs] == [
        ("announce", True, 1),
        ("keys_refused", False, 1),
        ("refresh_required", False, 0),
    ]
    assert key_of(at).state == "active"


def test_a_phase_can_be_moved_until_it_has_started() -> None:
    made = plan(announce=PAST)
    local = datetime.fromisoformat("2030-01-01")
    plans.set_phase(plan=made, effect="announce", local=local, user=staff())
    add_phase(made, "announce", PAST)
    plans.activate(plan=made, user=staff())
    PHASES.run(later())
    with pytest.raises(PhaseStartedError):
        plans.set_phase(plan=made, effect="announce", local=local, user=staff())
    with pytest.raises(PhaseStartedError):
        plans.remove_phase(phase=Phase.objects.get(), user=staff())


def test_a_phase_that_is_moved_in_an_active_plan_is_announced_anew() -> None:
    made = plan(keys_refused=DAY)
    plans.activate(plan=made, user=staff())
    before = headers()["Sunset"]
    plans.set_phase(
        plan=made, effect="keys_refused", local=datetime.fromisoformat("2031-01-01"), user=staff()
    )
    assert headers()["Sunset"] != before
    assert Phase.objects.get().due_at == datetime(2031, 1, 1, 5, tzinfo=UTC)
    plans.remove_phase(phase=Phase.objects.get(), user=staff())
    assert headers() == {}


def test_two_active_plans_about_the_same_keys_cannot_be() -> None:
    plans.activate(plan=plan(announce=DAY), user=staff())
    second = plan(facts=replace(FACTS, name="Another"), announce=DAY)
    with pytest.raises(PlanError):
        plans.activate(plan=second, user=staff())


def test_a_plan_without_a_phase_is_not_put_into_effect() -> None:
    with pytest.raises(PlanError):
        plans.activate(plan=plan(), user=staff())


@pytest.mark.parametrize("changes", [{"time_zone": "Mars/Olympus"}, {"name": "Keys to OAuth"}])
def test_a_plan_that_cannot_be_is_refused(changes: dict[str, str]) -> None:
    plan()
    with pytest.raises(PlanError):
        plans.save_plan(facts=replace(FACTS, **changes), user=staff())


def test_an_active_plan_keeps_its_keys_and_its_clock() -> None:
    made = plan(announce=DAY)
    plans.activate(plan=made, user=staff())
    with pytest.raises(PlanError):
        plans.save_plan(facts=replace(FACTS, endpoint="ecom-eu1"), user=staff(), plan=made)
    plans.save_plan(facts=replace(FACTS, vendor="Another"), user=staff(), plan=made)


def test_the_letter_of_2016_ships_as_an_example() -> None:
    client = signed_in(staff())
    for _ in range(2):
        page = client.post("/staff/plans/example/", follow=True).content.decode()
        assert "Starts at once" in page
    example = Plan.objects.get()
    found = {each.effect: f"{each.local_start:%Y-%m-%d}" for each in example.phases.all()}
    assert example.state == "draft"
    assert found == {
        "no_new_keys": "2016-10-01",
        "keys_refused": "2017-01-01",
        "refresh_required": "2017-02-01",
    }


def test_no_new_keys_closes_the_walkthrough() -> None:
    owner = person("merchant")
    shop = store(merchant(owner=owner))
    client = signed_in(owner)
    facts = replace(FACTS, endpoint="ecom-eu1")
    made = plan(facts=facts, no_new_keys=PAST)
    walkthrough = f"/stores/{shop.pk}/walkthrough/1/"
    assert "gives out no new keys" not in client.get(walkthrough).content.decode()
    plans.activate(plan=made, user=staff())
    PHASES.run(later())
    for url in (walkthrough, f"/stores/{shop.pk}/walkthrough/", f"/stores/{shop.pk}/keys/new/"):
        page = client.get(url).content.decode()
        assert "gives out no new keys" in page
        assert "/waiting/retail-r/" in page
    Plan.objects.filter(pk=made.pk).update(provider="")
    assert "not open yet" in client.get(walkthrough).content.decode()


@pytest.mark.parametrize(("endpoint", "label"), [("ecom-eu1", "Act"), ("ecom-us1", "OK")])
def test_the_list_of_stores_says_what_the_page_of_a_store_says(endpoint: str, label: str) -> None:
    owner = person("owner")
    company = merchant(owner=owner)
    shops = [store(company, f"Shop {number}") for number in range(2)]
    credential(shops[0])
    made = plan(facts=replace(FACTS, endpoint=endpoint), keys_refused=DAY)
    client = signed_in(owner)
    assert ">OK<" in re.sub(r"\s+", "", client.get("/stores/").content.decode())
    plans.activate(plan=made, user=staff())
    assert f">{label}<" in re.sub(r"\s+", "", client.get("/stores/").content.decode())


def test_a_plan_without_a_way_to_go_leaves_nothing_to_do() -> None:
    owner = person("owner")
    shop = store(merchant(owner=owner))
    credential(shop)
    made = plan(facts=replace(FACTS, endpoint="ecom-eu1", provider=""), keys_refused=DAY)
    plans.activate(plan=made, user=staff())
    page = signed_in(owner).get(f"/stores/{shop.pk}/").content.decode()
    assert "Nothing to do" in page
    assert "The new way is not open yet" in page


def test_the_store_page_says_until_when_its_key_works(vendor: RunningSimulator) -> None:
    opened()
    at = migrating(vendor)

    def page() -> str:
        return at.client.get(f"/stores/{at.store.pk}/").content.decode()

    assert "Your key works until" not in page()
    made = plan(announce=PAST)
    plans.activate(plan=made, user=staff())
    assert "says goodbye to API keys" in page()
    add_phase(made, "keys_refused", DAY)
    assert "Your key works until" in page()
    assert page().count("Reconnect: it takes two minutes") == 1
    assert re.search(r'<h2 id="answer-title">Act by [^<]+: reconnect</h2>', page())
    assert "Nothing to do" not in page()
    add_phase(made, "keys_refused", PAST)
    PHASES.run(later())
    assert "no longer accepts API keys" in page()
    assert "Broken: Lightspeed Retail refuses API keys" in page()
    assert "in your Back Office" not in page()
    assert "Nothing to do" not in page()
    at.connect(account=str(at.store.shop_id))
    assert "API keys" not in page()
    assert "Nothing to do" in page()


def test_staff_walk_a_plan_through_its_pages(vendor: RunningSimulator) -> None:
    at = migrating(vendor)
    client = confirmed(staff())
    facts = {
        "name": "By hand",
        "vendor": "Lightspeed Retail",
        "endpoint": "retail-r-key",
        "provider": "retail-r",
        "time_zone": "Europe/Amsterdam",
        "link": "",
    }
    assert client.get("/staff/plans/new/").status_code == 200
    answer = client.post("/staff/plans/new/", facts)
    url = answer.headers["Location"]
    assert client.post("/staff/plans/new/", facts).status_code == 422
    assert client.post(f"{url}activate/", follow=True).status_code == 200
    phase = {"effect": "keys_refused", "day": "2031-05-01", "time": "00:00"}
    page = client.post(url, phase, follow=True).content.decode()
    assert at.store.name in page
    assert "1 store affected" in page
    skipped = {"effect": "announce", "day": "2031-03-30", "time": "02:30"}
    assert client.post(url, skipped).status_code == 422
    client.post(f"{url}activate/")
    made = Plan.objects.get(name="By hand")
    assert made.state == "active"
    assert client.post(f"{url}edit/", {**facts, "endpoint": "ecom-eu1"}).status_code == 422
    assert client.post(f"{url}edit/", {**facts, "vendor": "X"}).status_code == 302
    assert "By hand" in client.get("/staff/plans/").content.decode()
    phase_url = f"/staff/phases/{made.phases.get().pk}/remove/"
    client.post(phase_url)
    assert not made.phases.exists()
    client.post(f"{url}call-off/")
    made.refresh_from_db()
    assert made.state == "called_off"


def test_a_started_phase_is_not_removed_by_its_page() -> None:
    made = plan(announce=PAST)
    plans.activate(plan=made, user=staff())
    PHASES.run(later())
    client = signed_in(staff())
    page = client.post(f"/staff/phases/{made.phases.get().pk}/remove/", follow=True)
    assert "has started" in page.content.decode()


@pytest.mark.parametrize("path", ["/staff/plans/", "/staff/plans/new/", "/staff/waiting/"])
def test_plans_are_for_staff(path: str) -> None:
    assert signed_in(person("merchant")).get(path).status_code == 404


def test_backends_are_told_of_a_phase_and_of_a_store_that_moved(vendor: RunningSimulator) -> None:
    opened()
    at = migrating(vendor)
    listener = WebhookEndpoint.objects.create(
        backend=Backend.objects.create(name="app", has_all_stores=True),
        url="https://app.test/hook",
        sealed_key=b"",
    )
    plans.activate(plan=plan(announce=PAST), user=staff())
    PHASES.run(later())
    at.connect(account=str(at.store.shop_id))
    told = listener.deliveries.order_by("created_at")
    bodies = {each.type: json.loads(each.body)["data"] for each in told}
    assert bodies["plan.phase_started"]["effect"] == "announce"
    assert bodies["store.migrated"]["provider"] == "retail-r"
    assert bodies["store.migrated"]["store"] == str(at.store.pk)


def test_pages_show_the_vendors_clock_and_not_ours() -> None:
    of = add_example_plan(user=staff())
    client = signed_in(staff())
    for url in ("/staff/plans/", f"/staff/plans/{of.pk}/"):
        page = client.get(url).content.decode()
        assert "1 Oct 2016, 00:00" in page
        assert "1 Jan 2017, 00:00" in page
        assert "1 Feb 2017, 00:00" in page
    assert "Nobody is affected" in page
