from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyvault.models import Credential
from onboarding.capacity.factors import tune_factors
from onboarding.capacity.forms import SaleForm
from onboarding.capacity.planner import Factors
from onboarding.models import Case, Walkthrough
from onboarding.walkthrough.services import finish_key, save_step, start_walkthrough
from tests.onboarding.capacity.sales import case_of, figures, lend, owner_of, sale_day, sale_url
from tests.onboarding.cast import credential, person, signed_in, staff_member
from tests.onboarding.submission.desk import Desk, desk, heading, text

pytestmark = pytest.mark.django_db
MOST_QUERIES = 20


def planned(at: Desk, **changes: str) -> str:
    return text(at.client.get(sale_url(at), figures(**changes)))


def test_the_planner_shows_keys_arithmetic_and_the_window_that_decides() -> None:
    at = desk()
    words = planned(at)
    assert "Your sale needs 5 keys" in words
    assert "You have no working key yet. Add 5 more." in words
    assert "5,000 visitors, 40 % of them in the app: 2,000 visits ." in words
    assert "15 requests a visit and 12 more an order: 30,960 requests on the day ." in words
    assert "The busiest hour has 25 % of the day: 7,740 requests in that hour ." in words
    assert "1,484 ÷ 300, rounded up: 5" in words
    assert "Busiest 5 minutes decides 1,290 1,484 300 5" in words
    assert "Lightspeed's usual ones" in words


def test_the_busiest_hour_that_a_merchant_knows_takes_the_place_of_the_assumed_one() -> None:
    words = planned(desk(), hour_visitors="4000")
    assert "4,000 of the visitors come in the busiest hour: 24,768 requests in that hour" in words
    assert "Your sale needs 16 keys" in words


def test_an_empty_planner_is_no_error() -> None:
    at = desk()
    page = at.client.get(sale_url(at))
    assert page.status_code == 200
    assert "There is a problem" not in text(page)
    assert "What comes out" in text(page)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"visitors": ""}, "Enter how many visitors you expect."),
        ({"visitors": "many"}, "Enter a whole number in digits"),
        ({"visitors": "5.5"}, "Enter a whole number in digits"),
        ({"visitors": "1e9"}, "Enter a whole number in digits"),
        ({"visitors": "-5"}, "Enter 1 or more."),
        ({"visitors": "0"}, "Enter 1 or more."),
        ({"visitors": "9" * 30}, "Enter 10000000 or less."),
        ({"visitors": "9" * 5000}, "There is a problem"),
        ({"visitors": "\x00"}, "There is a problem"),
        ({"orders": "6000"}, "There are more orders than visitors."),
        ({"hour_visitors": "6000"}, "The busiest hour has more visitors than the day."),
        ({"app_percent": "101"}, "Enter 100 or less."),
        ({"app_percent": "0"}, "Enter 1 or more."),
        ({"sale_on": "2020-01-01"}, "This day is over."),
        ({"sale_on": "2999-01-01"}, "within the next two years"),
        ({"sale_on": "<script>alert(1)</script>"}, "Enter a date, such as"),
    ],
)
def test_wrong_figures_are_said_and_ask_nobody(changes: dict[str, str], words: str) -> None:
    at = desk()
    for answer in (
        at.client.get(sale_url(at), figures(**changes)),
        at.client.post(sale_url(at), figures(**changes)),
    ):
        assert answer.status_code == 422
        assert "There is a problem" in text(answer)
        assert words in text(answer)
        assert "<title>Error:" in answer.content.decode().replace("\n", "")
        assert "<script>alert" not in answer.content.decode()
    assert not Case.objects.exists()


@pytest.mark.parametrize("written", ["5.000", "5,000", "5 000", " 5000 ", "5\u00a0000"])
def test_a_number_may_be_written_as_people_write_it(written: str) -> None:
    assert "5,000 visitors" in planned(desk(), visitors=written)


def test_a_date_may_be_typed_where_the_browser_has_no_picker() -> None:
    day = timezone.localdate() + timedelta(days=30)
    assert "Your sale needs 5 keys" in planned(desk(), sale_on=day.strftime("%d-%m-%Y"))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(list(figures())), st.text(max_size=40)))
def test_no_garbage_upsets_the_form(garbage: dict[str, str]) -> None:
    from django.http import QueryDict  # noqa: PLC0415  # needs the settings

    data = QueryDict(mutable=True)
    data.update({**figures(), **garbage})
    form = SaleForm(data)
    if form.is_valid():
        assert form.figures().visitors >= max(form.figures().orders, 1)


def test_only_working_keys_count_and_the_others_are_mentioned() -> None:
    at = desk()
    for number in range(6):
        credential(at.store, name=f"Key {number}")
    words = planned(at)
    assert "You have 6 working keys. That is enough: nothing to do." in words
    assert "those that Lightspeed reported for your keys" in words
    Credential.objects.filter(name__in=["Key 0", "Key 1"]).update(state="paused")
    words = planned(at)
    assert "You have 4 working keys. Add 1 more." in words
    assert "2 more are paused or refused and do not count." in words
    assert "Add 1 key" in words


def test_the_shops_own_limits_are_reckoned_with() -> None:
    at = desk()
    key = credential(at.store)
    Credential.objects.filter(pk=key.pk).update(limits=[[300, 1000], [3600, 12000], [86400, 65535]])
    words = planned(at)
    assert "Your sale needs 2 keys" in words
    assert "1,484 1,000 2" in words


def test_measured_peaks_stand_beside_the_guess_once_there_is_traffic() -> None:
    at = desk()
    key = credential(at.store)
    assert "Nothing is measured yet." in planned(at)
    lend(key, permits=70, at=timezone.now())
    words = planned(at)
    assert "Nothing is measured yet." not in words
    assert "Busiest 5 minutes 1,290 70" in words


def test_factors_that_staff_tuned_change_the_plan_and_are_shown() -> None:
    at = desk()
    staff = staff_member()
    tune_factors(store=None, factors=Factors(requests_a_visit=30), user=staff)  # type: ignore[arg-type]
    assert "30 requests a visit" in planned(at)
    tune_factors(store=at.store, factors=Factors(requests_a_visit=3), user=staff)  # type: ignore[arg-type]
    assert "3 requests a visit" in planned(at)


def test_the_figures_come_through_signing_in_again() -> None:
    at = desk()
    query = "&".join(f"{name}={value}" for name, value in figures().items())
    page = f"{sale_url(at)}?{query}"
    answer = Client().post(page, figures(), headers={"Referer": f"http://testserver{page}"})
    assert answer.status_code == 302
    assert "visitors%3D5000" in answer["Location"]
    assert 'action="?sale_on=' in at.client.get(page).content.decode()


def test_another_merchants_store_does_not_exist() -> None:
    at = desk()
    case = case_of(at.store)
    other = desk("other", company="Wool Shop")
    for client in (other.client, signed_in(person("outsider"))):
        assert client.get(sale_url(at), figures()).status_code == 404
        assert client.post(sale_url(at), figures()).status_code == 404
        assert client.post(f"{sale_url(at)}add-keys/", {"keys": "2"}).status_code == 404
        for end in ("", "withdraw/"):
            assert client.post(f"{sale_url(at)}cases/{case.pk}/{end}").status_code == 404
        assert client.get(f"{sale_url(at)}cases/{case.pk}/").status_code == 404
    assert other.client.get(f"{sale_url(other)}cases/{case.pk}/").status_code == 404
    assert Case.objects.get().state == "open"
    assert not Walkthrough.objects.exists()


def test_strangers_sign_in_first() -> None:
    at = desk()
    assert Client().get(sale_url(at))["Location"].startswith("/accounts/login/")


def test_a_guest_of_the_walkthrough_sees_no_plans() -> None:
    at = desk()
    case = case_of(at.store)
    assert Client().get(f"{sale_url(at)}cases/{case.pk}/").status_code == 302


def test_first_keys_begin_with_the_first_question_and_their_number() -> None:
    at = desk()
    page = at.client.post(f"{sale_url(at)}add-keys/", {"keys": "2"}, follow=True)
    assert heading(page) == "Before you start"
    assert 'value="2"' in page.content.decode()


def test_more_keys_begin_at_the_back_office() -> None:
    at = desk()
    credential(at.store)
    page = at.client.post(f"{sale_url(at)}add-keys/", {"keys": "2"}, follow=True)
    assert heading(page) == "Open the Developers page"
    assert Walkthrough.objects.get().keys_wanted == 2


def test_answers_of_an_earlier_pass_still_hold() -> None:
    at = desk()
    user = owner_of(at.store)
    earlier = start_walkthrough(store=at.store, user=user)
    save_step(walkthrough=earlier, step=1, answers={"owner": "yes", "words": "nl"})
    finish_key(walkthrough=earlier)
    at.client.post(f"{sale_url(at)}add-keys/", {"keys": "3"})
    again = Walkthrough.objects.get(finished_at=None)
    assert (again.step, again.keys_wanted, again.answers["words"]) == (2, 3, "nl")


def test_a_walkthrough_that_is_under_way_goes_on_where_it_was() -> None:
    at = desk()
    credential(at.store)
    running = start_walkthrough(store=at.store, user=owner_of(at.store))
    save_step(walkthrough=running, step=3, keys_wanted=2)
    finish_key(walkthrough=running)
    save_step(walkthrough=running, step=3)
    at.client.post(f"{sale_url(at)}add-keys/", {"keys": "2"})
    running.refresh_from_db()
    assert (running.step, running.keys_done, running.keys_wanted) == (4, 1, 3)


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [("99", 10), ("0", 1), ("x", 1), ("", 1), ("-3", 1), ("9" * 400, 1), ("²", 1)],
)
def test_add_keys_takes_a_sensible_number_only(sent: str, wanted: int) -> None:
    at = desk()
    at.client.post(f"{sale_url(at)}add-keys/", {"keys": sent})
    assert Walkthrough.objects.get().keys_wanted == wanted


def test_the_plan_costs_the_same_for_many_keys_as_for_one() -> None:
    at = desk()
    at.client.get(sale_url(at))
    counts = []
    for keys in (1, 5):
        for number in range(keys):
            lend(credential(at.store, name=f"Key {keys} {number}"), permits=5, at=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            at.client.get(sale_url(at), figures())
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_hostile_names_are_escaped() -> None:
    at = desk()
    at.store.name = at.store.app_name = "<img src=x onerror=alert(1)>"
    at.store.save()
    case = case_of(at.store)
    for address in (
        sale_url(at),
        f"{sale_url(at)}?{'&'.join(f'{k}={v}' for k, v in figures().items())}",
    ):
        assert "<img src=x" not in at.client.get(address).content.decode()
    assert "<img src=x" not in at.client.get(f"{sale_url(at)}cases/{case.pk}/").content.decode()


def test_running_and_closed_cases_stand_below_the_planner() -> None:
    at = desk()
    case_of(at.store, days=3)
    assert "With our staff" in text(at.client.get(sale_url(at)))
    assert sale_day(days=3)
