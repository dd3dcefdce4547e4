import re
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from onboarding.capacity.planner import DEFAULT_FACTORS
from onboarding.capacity.services import close_case
from onboarding.models import Case, CaseMessage, DailyPeak, Store, TrafficFactors
from onboarding.staff.queue import work_queue
from tests.onboarding.capacity.sales import case_of, form_id_in, lend, owner_of
from tests.onboarding.cast import (
    BY_TESTS,
    credential,
    merchant,
    person,
    signed_in,
    staff_in,
    staff_member,
    store,
)
from tests.onboarding.submission.desk import text

pytestmark = pytest.mark.django_db
LIST = "/staff/cases/"
MOST_QUERIES = 12


def shop(name: str = "Bike Shop") -> Store:
    owner = person(f"owner-{name.lower().replace(' ', '-')}")
    return store(merchant(name, owner=owner), f"{name} Amsterdam")


def url(case: Case) -> str:
    return f"{LIST}{case.pk}/"


def send(client: Client, case: Case, do: str, **fields: str) -> HttpResponse:
    data = {f"{do}-{name}": value for name, value in fields.items()}
    return client.post(url(case), {"do": do, **data}, follow=True)


def test_who_waits_longest_stands_first_and_the_late_are_marked() -> None:
    first, second = case_of(shop("Old Shop")), case_of(shop("New Shop"))
    Case.objects.filter(pk=first.pk).update(reply_by=timezone.now() - timedelta(days=1))
    words = text(signed_in(staff_member()).get(LIST))
    assert words.index("Old Shop Amsterdam") < words.index("New Shop Amsterdam")
    assert words.count("Late") == 1
    assert "Waiting for us 2" in words
    assert second.pk != first.pk


def test_each_pile_holds_its_own() -> None:
    client = signed_in(staff_member())
    assert "Nobody waits" in text(client.get(LIST))
    waiting, over, closed = (case_of(shop(f"{name} Shop")) for name in ("Aa", "Bb", "Cc"))
    Case.objects.filter(pk=over.pk).update(
        sale_on=timezone.localdate() - timedelta(days=1), state=Case.State.ANSWERED
    )
    close_case(case=closed, actor=BY_TESTS, outcome=Case.Outcome.ENOUGH)
    shown = {
        pile: set(re.findall(r"(Aa|Bb|Cc) Shop Amsterdam", text(client.get(LIST, {"pile": pile}))))
        for pile in ("waiting", "running", "over", "closed", "nonsense")
    }
    assert shown == {
        "waiting": {"Aa"},
        "running": {"Aa", "Bb"},
        "over": {"Bb"},
        "closed": {"Cc"},
        "nonsense": {"Aa"},
    }
    assert waiting.state == Case.State.OPEN


def test_the_list_costs_the_same_for_many_cases_as_for_one() -> None:
    client = signed_in(staff_member())
    client.get(LIST)
    counts = []
    for number in (1, 6):
        for each in range(number):
            case_of(shop(f"Shop {number} {each}"))
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_the_figures_stand_beside_the_measured_peaks() -> None:
    made = shop()
    lend(credential(made), permits=77, at=timezone.now())
    words = text(signed_in(staff_member()).get(url(case_of(made))))
    assert "Busiest 5 minutes 1,290 77" in words
    assert "Keys, as the planner reckons 5" in words
    assert "Keys that work 1" in words


def test_without_traffic_there_is_only_the_guess() -> None:
    words = text(signed_in(staff_member()).get(url(case_of(shop()))))
    assert "there is only the guess" in words


def test_the_reply_begins_with_a_template_in_the_merchants_language() -> None:
    made = shop()
    page = signed_in(staff_member()).get(url(case_of(made))).content.decode()
    assert "Keys that we recommend: {keys}." in page
    assert "we expect 1,290 requests" in page
    assert 'name="answer-keys" value="5"' in page


def test_the_recommended_number_is_editable_and_fills_the_reply() -> None:
    case = case_of(shop())
    page = send(
        signed_in(staff_member()), case, "answer", keys="4", text="You need {keys}. Not {more}."
    )
    assert "Your answer is sent." in text(page)
    case.refresh_from_db()
    assert (case.state, case.recommended_keys) == (Case.State.ANSWERED, 4)
    assert case.messages.get().text == "You need 4. Not {more}."
    assert mail.outbox[0].to == [owner_of(case.store).email]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"keys": "", "text": "x"}, "Enter how many keys you recommend."),
        ({"keys": "0", "text": "x"}, "Enter 1 or more."),
        ({"keys": "201", "text": "x"}, "Enter 200 or less."),
        ({"keys": "many", "text": "x"}, "Enter a whole number in digits"),
        ({"keys": "3", "text": ""}, "Write a message first."),
        ({"keys": "3", "text": "0123456789abcdef" * 2}, "This looks like an API key"),
    ],
)
def test_wrong_answers_are_said_and_tell_nobody(fields: dict[str, str], words: str) -> None:
    case = case_of(shop())
    page = send(signed_in(staff_member()), case, "answer", **fields)
    assert page.status_code == 422
    assert "There is a problem" in text(page)
    assert words in text(page)
    assert not mail.outbox
    assert not CaseMessage.objects.exists()


def test_a_form_sent_twice_is_one_answer() -> None:
    case, client = case_of(shop()), signed_in(staff_member())
    form_id = form_id_in(client.get(url(case)).content.decode())
    for _ in range(2):
        send(client, case, "answer", keys="4", text="Four.", form_id=form_id)
    assert len(mail.outbox) == 1


def test_a_question_waits_for_the_merchant() -> None:
    case = case_of(shop())
    page = send(signed_in(staff_member()), case, "write", text="Until <i>when</i>?")
    assert "Waits for the merchant" in text(page)
    assert "<i>when" not in page.content.decode()
    case.refresh_from_db()
    assert case.state == Case.State.ASKED


def test_a_case_is_closed_with_what_really_happened() -> None:
    case, client = case_of(shop(), days=0), signed_in(staff_member())
    DailyPeak.objects.create(
        store=case.store,
        day=case.sale_on,
        five_minutes=410,
        five_minutes_at=timezone.now(),
        hour=2000,
        hour_at=timezone.now(),
        total=9000,
    )
    assert send(client, case, "close").status_code == 422
    page = send(client, case, "close", outcome="too_few", visitors="7.000", note="Take six.")
    words = text(page)
    assert "The investigation is closed." in words
    case.refresh_from_db()
    assert (case.outcome, case.actual_visitors) == ("too_few", 7000)
    assert case.measured == [[300, 410], [3600, 2000], [86400, 9000]]
    assert "Busiest 5 minutes (requests) 1,290 410" in words
    assert "Send the answer" not in words
    again = send(client, case, "close", outcome="enough")
    assert "closed already" in text(again)
    case.refresh_from_db()
    assert case.outcome == "too_few"


def test_a_case_that_the_merchant_closed_meanwhile_takes_no_answer() -> None:
    case, client = case_of(shop()), signed_in(staff_member())
    close_case(case=Case.objects.get(), actor=BY_TESTS, outcome=Case.Outcome.WITHDRAWN)
    page = send(client, case, "answer", keys="4", text="Four.")
    assert "closed already" in text(page)
    assert not mail.outbox


def test_nonsense_does_nothing() -> None:
    case = case_of(shop())
    assert send(signed_in(staff_member()), case, "explode", keys="4").status_code == 200
    assert Case.objects.get().state == Case.State.OPEN


def test_factors_are_tuned_for_all_and_for_one_store() -> None:
    case, client = case_of(shop()), signed_in(staff_member())
    values = {
        "requests_a_visit": "20",
        "requests_an_order": "12",
        "busiest_hour_percent": "25",
        "five_minute_burst": "2",
        "second_burst": "3",
        "reserve_percent": "15",
    }
    assert client.post(f"{LIST}factors/", values).status_code == 302
    assert client.post(f"{LIST}factors/", values).status_code == 302
    own = f"{url(case)}factors/"
    assert client.post(own, {**values, "requests_a_visit": "7.5"}).status_code == 302
    rows = {row.store_id: row.requests_a_visit for row in TrafficFactors.objects.all()}
    assert {str(rows[None]), str(rows[case.store_id])} == {"20.0", "7.5"}
    assert "Change what is assumed of this store" in text(client.get(url(case)))
    assert client.post(own, {"forget": "1"}).status_code == 302
    assert TrafficFactors.objects.get().store is None


@pytest.mark.parametrize("wrong", ["", "x", "-1", "1e9", "NaN", "Infinity", "0.123456"])
def test_wrong_factors_are_said(wrong: str) -> None:
    client = signed_in(staff_member())
    fine = {name: str(value) for name, value in asdict(DEFAULT_FACTORS).items()}
    page = client.post(f"{LIST}factors/", {**fine, "requests_a_visit": wrong})
    assert page.status_code == 422
    assert "There is a problem" in text(page)
    assert not TrafficFactors.objects.exists()


def test_support_sees_and_cannot_change() -> None:
    case, client = case_of(shop()), signed_in(staff_in("support"))
    assert client.get(LIST).status_code == 200
    words = text(client.get(url(case)))
    assert "Send the answer" not in words
    assert "Send the message" not in words
    assert send(client, case, "answer", keys="4", text="Four.").status_code == 403
    for address in (f"{LIST}factors/", f"{url(case)}factors/"):
        assert client.post(address, {"forget": "1"}).status_code == 403
    assert not mail.outbox


def test_operators_answer_and_tune() -> None:
    case, client = case_of(shop()), signed_in(staff_in("operator"))
    assert client.get(f"{LIST}factors/").status_code == 200
    assert send(client, case, "answer", keys="4", text="Four.").status_code == 200
    assert Case.objects.get().recommended_keys == 4


def test_merchants_trainees_and_strangers_stay_outside() -> None:
    case = case_of(shop())
    clients = (Client(), signed_in(owner_of(case.store)), signed_in(staff_in(None)))
    for client in clients:
        for address in (LIST, url(case), f"{LIST}factors/", f"{url(case)}factors/"):
            assert client.get(address).status_code in (302, 403)
            assert client.post(address, {"do": "close"}).status_code in (302, 403, 405)
    assert Case.objects.get().state == Case.State.OPEN


def test_a_case_that_is_not_there_is_not_found() -> None:
    missing = f"{LIST}00000000-0000-0000-0000-000000000000/"
    assert signed_in(staff_member()).get(missing).status_code == 404


def test_pages_keep_to_the_frame_and_escape_hostile_words() -> None:
    made = shop()
    made.name = "<img src=x onerror=alert(1)>"
    made.save()
    case = case_of(made, text="<script>alert(1)</script>")
    client = signed_in(staff_member())
    for address in (LIST, url(case), f"{LIST}factors/", f"{url(case)}factors/"):
        response = client.get(address)
        page = response.content.decode()
        assert page.count("<main") == page.count("<h1>") == 1
        assert "style=" not in page
        assert "<img src=x" not in page
        assert "<script>alert" not in page
        assert not re.search(r"<script(?![^>]*src=)", page)


def test_the_panel_opens_with_the_merchants_who_wait_and_warns_of_the_late() -> None:
    case = case_of(shop())
    pile = work_queue(now=timezone.now())[0]
    assert (pile.count, pile.kind, pile.url) == (1, "info", LIST)
    assert (pile.tasks[0].label, pile.tasks[0].url) == (case.store.name, url(case))
    assert work_queue(now=case.reply_by + timedelta(hours=1))[0].kind == "warning"
    assert "1 merchant waits for an answer" in text(signed_in(staff_member()).get("/staff/"))
    close_case(case=case, actor=BY_TESTS, outcome=Case.Outcome.ENOUGH)
    assert work_queue(now=timezone.now()) == []
