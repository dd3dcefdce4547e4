from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from keyvault.leases.backends import Scope, create_backend
from keyvault.models import BackendToken, Credential, Lease
from keyvault.models.lease import microseconds
from onboarding.capacity.duties import run_closing
from onboarding.capacity.planner import SaleFigures, estimate
from onboarding.capacity.services import answer_case, open_case
from onboarding.capacity.usage import limits_of_one_key, limits_together, measured_peaks, usage
from onboarding.models import Case, Walkthrough
from simulator.running import RunningSimulator
from tests.onboarding.cast import BY_TESTS, staff_member
from tests.onboarding.submission.desk import Desk, desk, heading, text
from tests.onboarding.vendor import known_pair, pasted

pytestmark = pytest.mark.django_db


def figures(**changes: str) -> dict[str, str]:
    day = timezone.localdate() + timedelta(days=30)
    return {
        "sale_on": day.isoformat(),
        "visitors": "5000",
        "orders": "200",
        "app_percent": "40",
        **changes,
    }


def url(at: Desk) -> str:
    return f"/stores/{at.store.pk}/sale/"


def case_of(at: Desk) -> Case:
    at.client.post(url(at), figures())
    return Case.objects.get(store=at.store)


def key_of(at: Desk, simulator: RunningSimulator) -> Credential:
    at.paste(**pasted(known_pair(simulator)))
    at.press("store", at.submission())
    return Credential.objects.get(keychain_id=at.store.pk)


def lend(credential: Credential, *, permits: int, minutes_ago: int) -> None:
    """A lease as the pool writes it."""
    create_backend(
        name=f"app {minutes_ago}", scopes=list(Scope), stores=None, days=1, actor=BY_TESTS
    )
    at_us = microseconds(timezone.now() - timedelta(minutes=minutes_ago))
    Lease.objects.create(
        key=credential.pool_key,
        token=BackendToken.objects.latest("pk"),
        permits=permits,
        counted=permits,
        granted_us=at_us,
        use_by_us=at_us + 2_000_000,
        expires_us=at_us + 9_000_000,
    )


def test_the_planner_shows_keys_arithmetic_and_the_window_that_decides() -> None:
    at = desk()
    page = at.client.get(url(at), figures())
    words = text(page)
    assert "Your sale needs 5 keys" in words
    assert "You have 0, so 5 more are needed." in words
    assert "busiest 5 minutes decides 1,290 300 5" in words
    assert "A visit of the app takes about 15 requests" in words


def test_an_empty_planner_is_no_error() -> None:
    at = desk()
    page = at.client.get(url(at))
    assert page.status_code == 200
    assert "There is a problem" not in text(page)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"visitors": ""}, "Enter how many visitors you expect."),
        ({"visitors": "many"}, "Enter a whole number of visitors"),
        ({"visitors": "-5"}, "There is a problem"),
        ({"visitors": "9" * 30}, "There is a problem"),
        ({"app_percent": "101"}, "There is a problem"),
        ({"sale_on": "2020-01-01"}, "This day is over."),
        ({"sale_on": "2999-01-01"}, "within the next two years"),
        ({"sale_on": "<script>alert(1)</script>"}, "Enter a date, such as"),
    ],
)
def test_wrong_figures_are_said(changes: dict[str, str], words: str) -> None:
    at = desk()
    for answer in (
        at.client.get(url(at), figures(**changes)),
        at.client.post(url(at), figures(**changes)),
    ):
        assert answer.status_code == 422
        assert "There is a problem" in text(answer)
        assert words in text(answer)
        assert "<script>alert" not in answer.content.decode()
    assert not Case.objects.exists()


def test_an_investigation_carries_the_figures_to_staff() -> None:
    at = desk()
    page = at.client.post(url(at), figures(), follow=True)
    assert "Our staff are looking into it" in text(page)
    case = Case.objects.get()
    assert case.figures == {"visitors": 5000, "orders": 200, "app_percent": 40}
    assert case.estimate["keys"] == 5
    assert "5,000" in text(page)


def test_the_same_sale_asked_twice_is_one_case() -> None:
    at = desk()
    for _ in range(2):
        at.client.post(url(at), figures())
    assert Case.objects.count() == 1


def test_messages_go_both_ways_and_staffs_are_mailed() -> None:
    at = desk()
    case = case_of(at)
    page_url = f"{url(at)}cases/{case.pk}/"
    assert at.client.post(page_url, {"text": ""}).status_code == 422
    page = at.client.post(page_url, {"text": "<b>We send a newsletter at 8.</b>"}, follow=True)
    assert "<b>We send" not in page.content.decode()
    assert answer_case(
        case=case, staff=staff_member(), recommended_keys=3, text="Three keys will do."
    )
    page = at.client.get(page_url)
    assert "Our staff recommend 3 keys" in text(page)
    assert "Three keys will do." in text(page)
    assert mail.outbox[0].subject == "An answer about your sale"
    assert mail.outbox[0].to == ["owner@example.test"]


def test_add_keys_starts_the_walkthrough_past_its_questions() -> None:
    at = desk()
    page = at.client.post(f"{url(at)}add-keys/", {"keys": "2"}, follow=True)
    assert heading(page) == "Open the Developers page"
    assert Walkthrough.objects.get().keys_wanted == 2


@pytest.mark.parametrize(("sent", "wanted"), [("99", 10), ("0", 1), ("x", 1)])
def test_add_keys_takes_a_sensible_number_only(sent: str, wanted: int) -> None:
    at = desk()
    at.client.post(f"{url(at)}add-keys/", {"keys": sent})
    assert Walkthrough.objects.get().keys_wanted == wanted


def test_a_sale_that_is_over_closes_its_case_with_what_happened(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    case = case_of(at)
    lend(key_of(at, simulator), permits=50, minutes_ago=1)
    assert run_closing(timezone.now()) == 0
    Case.objects.update(sale_on=timezone.localdate() - timedelta(days=2))
    assert run_closing(timezone.now()) == 1
    case.refresh_from_db()
    assert case.state == Case.State.CLOSED
    assert [300, 50] in case.measured
    assert "This is what was measured." in text(at.client.get(f"{url(at)}cases/{case.pk}/"))
    assert not answer_case(case=case, staff=staff_member(), recommended_keys=1, text="Late.")
    assert run_closing(timezone.now()) == 0


def test_measured_peaks_stand_beside_the_guess(simulator: RunningSimulator) -> None:
    at = desk()
    key = key_of(at, simulator)
    assert measured_peaks(store=at.store) == {}
    lend(key, permits=70, minutes_ago=2)
    lend(key, permits=30, minutes_ago=90)
    peaks = measured_peaks(store=at.store)
    assert peaks[300] == 70
    assert peaks[86400] in {70, 100}
    assert "Measured so far" in text(at.client.get(url(at), figures()))


def test_usage_shows_quiet_stretches_and_leaves_our_own_checks_out(
    simulator: RunningSimulator,
) -> None:
    at = desk()
    key = key_of(at, simulator)
    lend(key, permits=7, minutes_ago=12)
    points = usage(store=at.store, seconds=300, since=timezone.now() - timedelta(hours=1))
    assert 12 <= len(points) <= 14
    assert sum(point.requests for point in points) == 7


def test_limits_of_a_store_without_keys_are_the_vendors(simulator: RunningSimulator) -> None:
    at = desk()
    assert dict(limits_of_one_key(store=at.store))[300] == 300
    assert limits_together(store=at.store) == {}
    key = key_of(at, simulator)
    Credential.objects.filter(pk=key.pk).update(limits=[[300, 100]])
    assert dict(limits_of_one_key(store=at.store))[300] == 100
    assert limits_together(store=at.store) == {300: 100}


def test_what_the_merchant_adds_in_words_joins_the_running_case() -> None:
    at = desk()
    case = case_of(at)
    owner = at.store.merchant.members.get().user
    sale = SaleFigures(visitors=1, orders=1, app_percent=1)
    same = open_case(
        store=at.store,
        user=owner,
        sale_on=case.sale_on,
        figures=sale,
        planned=estimate(figures=sale, limits=[(300, 300)]),
        text="And a newsletter.",
    )
    assert same == case
    assert case.messages.get().text == "And a newsletter."
