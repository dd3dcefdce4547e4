import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from keyvault.models import AuditEntry
from onboarding.capacity.duties import run_closing
from onboarding.capacity.planner import SaleFigures
from onboarding.capacity.selectors import is_soon
from onboarding.capacity.services import (
    MOST_RUNNING,
    answer_case,
    close_case,
    withdraw_case,
    write_to_merchant,
    write_to_staff,
)
from onboarding.capacity.times import reply_by
from onboarding.errors import CaseClosedError
from onboarding.models import Case, CaseMessage, DailyPeak, Member
from onboarding.notices.preferences import Choice, Topic, save_choices
from tests.onboarding.capacity.sales import (
    case_of,
    case_url,
    figures,
    form_id_in,
    owner_of,
    sale_day,
    sale_url,
)
from tests.onboarding.cast import BY_TESTS, credential, member, person, staff_in, staff_member
from tests.onboarding.submission.desk import Desk, desk, heading, text

pytestmark = pytest.mark.django_db
State = Case.State


def answered(at: Desk, *, keys: int = 3) -> Case:
    case = case_of(at.store)
    answer_case(case=case, staff=staff_member(), recommended_keys=keys, text=f"{keys} will do.")
    return case


def test_an_investigation_carries_the_figures_to_staff() -> None:
    at = desk()
    page = at.client.post(
        sale_url(at), figures(text="A newsletter at eight.", hour_visitors="2000"), follow=True
    )
    assert "Our staff are looking into it" in text(page)
    assert "Expect an answer by" in text(page)
    assert "A newsletter at eight." in text(page)
    case = Case.objects.get()
    assert case.figures == {
        "visitors": 5000,
        "orders": 200,
        "app_percent": 40,
        "hour_visitors": 2000,
    }
    assert case.estimate["keys"] == 8
    assert case.factors["requests_a_visit"] == "15"
    assert case.opened_by == owner_of(at.store)


def test_the_same_form_sent_twice_is_one_case_and_one_message() -> None:
    at = desk()
    sent = figures(text="A newsletter.", form_id=str(uuid.uuid4()))
    for _ in range(2):
        at.client.post(sale_url(at), sent)
    assert Case.objects.count() == CaseMessage.objects.count() == 1


def test_other_figures_for_the_same_day_take_the_place_of_the_old_ones() -> None:
    at = desk()
    case = answered(at)
    at.client.post(sale_url(at), figures(visitors="9000"))
    case.refresh_from_db()
    assert case.figures["visitors"] == 9000
    assert case.estimate["keys"] == 9
    assert case.state == State.OPEN


def test_the_same_figures_again_leave_an_answer_standing() -> None:
    at = desk()
    case = answered(at)
    page = at.client.post(sale_url(at), figures(), follow=True)
    case.refresh_from_db()
    assert case.state == State.ANSWERED
    assert "Our staff recommend 3 keys" in text(page)


def test_staff_who_may_answer_are_told_when_it_is_their_turn() -> None:
    at = desk()
    operator, support, quiet = staff_in("operator"), staff_in("support"), staff_member("quiet")
    save_choices(user=quiet, choices={Topic.CASES: Choice.OFF})
    mail.outbox.clear()
    case = case_of(at.store, text="We open at eight.")
    assert [letter.to for letter in mail.outbox] == [[operator.email]]
    assert f"/staff/cases/{case.pk}/" in str(mail.outbox[0].body)
    assert "eight" not in str(mail.outbox[0].body)
    write_to_staff(case=case, user=owner_of(at.store), text="At nine.", form_id=None)
    assert len(mail.outbox) == 1
    write_to_merchant(case=case, staff=operator, text="Sure?", form_id=None)
    write_to_staff(case=case, user=owner_of(at.store), text="Yes.", form_id=None)
    assert [letter.to for letter in mail.outbox].count([operator.email]) == 2
    assert [support.email] not in [letter.to for letter in mail.outbox]


def test_the_record_tells_what_became_of_a_case_and_nothing_of_the_shop() -> None:
    at = desk()
    case = case_of(at.store, text="We open at eight.")
    case_of(at.store, sale=SaleFigures(visitors=9000, orders=200, app_percent=40))
    answer_case(case=case, staff=staff_member(), recommended_keys=3, text="Three.")
    write_to_staff(case=case, user=owner_of(at.store), text="Thanks!", form_id=None)
    withdraw_case(case=case, user=owner_of(at.store))
    withdraw_case(case=case, user=owner_of(at.store))
    entries = AuditEntry.objects.filter(subject=f"case:{case.pk}").order_by("pk")
    assert {entry.keychain_id for entry in entries} == {at.store.pk}
    assert [(entry.action, entry.facts) for entry in entries] == [
        ("case.opened", {}),
        ("case.changed", {}),
        ("case.answered", {"keys": 3}),
        ("case.written", {"is_from_staff": False}),
        ("case.closed", {"outcome": "withdrawn"}),
    ]
    page = text(at.client.get(f"/stores/{at.store.pk}/activity/"))
    assert "Our staff were asked about a sale" in page
    assert "Our staff answered about a sale Your app builder" in page
    assert "staff@example.test" not in page


def test_another_day_is_another_case_up_to_a_limit() -> None:
    at = desk()
    for days in range(MOST_RUNNING):
        at.client.post(sale_url(at), figures(sale_on=sale_day(days=days)))
    assert Case.objects.count() == MOST_RUNNING
    page = at.client.post(sale_url(at), figures(sale_on=sale_day(days=50)))
    assert page.status_code == 422
    assert "You are asking about many days already." in text(page)
    withdraw_case(case=Case.objects.earliest("sale_on"), user=owner_of(at.store))
    at.client.post(sale_url(at), figures(sale_on=sale_day(days=50)))
    assert Case.objects.count() == MOST_RUNNING + 1


def test_a_key_in_a_message_is_turned_away_and_kept_nowhere() -> None:
    at = desk()
    looks_like_a_key = "0123456789abcdef" * 2
    page = at.client.post(sale_url(at), figures(text=f"our key is {looks_like_a_key}"))
    assert page.status_code == 422
    assert "This looks like an API key or secret." in text(page)
    case = case_of(at.store)
    page = at.client.post(case_url(at, case), {"text": f"key={looks_like_a_key.upper()}"})
    assert page.status_code == 422
    assert "<title>Error:" in page.content.decode()
    assert not CaseMessage.objects.exists()


def test_messages_go_both_ways_and_change_whose_turn_it_is() -> None:
    at = desk()
    case = case_of(at.store)
    write_to_merchant(case=case, staff=staff_member(), text="Until when?", form_id=None)
    assert case.state == State.ASKED
    assert mail.outbox[0].to == ["owner@example.test"]
    assert mail.outbox[0].subject.endswith(": a message")
    assert "Until when?" not in mail.outbox[0].body
    page = at.client.get(case_url(at, case))
    assert "We have a question for you" in text(page)
    assert "Until when?" in text(page)
    assert "staff@example.test" not in text(page)
    at.client.post(case_url(at, case), {"text": "Until <b>midnight</b>."})
    case.refresh_from_db()
    assert case.state == State.OPEN
    page = at.client.get(case_url(at, case))
    assert "Until <b>midnight</b>." in text(page).replace("&lt;", "<")
    assert "<b>midnight</b>" not in page.content.decode()
    assert [each.to for each in mail.outbox] == [["owner@example.test"], ["staff@example.test"]]


@pytest.mark.parametrize(
    ("sent", "words"),
    [("", "Write a message first."), ("  \n ", "Write a message first."), ("x" * 5001, "too long")],
)
def test_wrong_messages_are_said_and_kept_in_the_form(sent: str, words: str) -> None:
    at = desk()
    case = case_of(at.store)
    page = at.client.post(case_url(at, case), {"text": sent})
    assert page.status_code == 422
    assert words in text(page)
    assert sent.strip() in page.content.decode()
    assert not CaseMessage.objects.exists()


def test_a_message_that_is_sent_twice_is_one_message() -> None:
    at = desk()
    case = case_of(at.store)
    form_id = form_id_in(at.client.get(case_url(at, case)).content.decode())
    for _ in range(2):
        at.client.post(case_url(at, case), {"text": "Hello", "form_id": form_id})
    assert case.messages.count() == 1
    at.client.post(case_url(at, case), {"text": "Hello", "form_id": "garbage"})
    assert case.messages.count() == 2


def test_an_answer_says_the_number_and_offers_the_missing_keys() -> None:
    at = desk()
    credential(at.store)
    case = answered(at)
    page = at.client.get(case_url(at, case))
    words = text(page)
    assert "Our staff recommend 3 keys" in words
    assert "You have 1 working key. Add 2 more." in words
    assert "Add 2 keys" in words
    assert "3 will do." in words
    letter = mail.outbox[0]
    assert letter.subject.endswith(": the answer")
    assert "We recommend 3 keys." in letter.body
    assert case_url(at, case) in letter.body
    step = at.client.post(f"{sale_url(at)}add-keys/", {"keys": "2"}, follow=True)
    assert heading(step) == "Open the Developers page"


def test_enough_keys_leave_nothing_to_do() -> None:
    at = desk()
    credential(at.store)
    case = answered(at, keys=1)
    words = text(at.client.get(case_url(at, case)))
    assert "That is enough: nothing to do." in words
    assert "Add 1 key" not in words


def test_an_answer_that_is_sent_twice_is_one_mail() -> None:
    at = desk()
    case, staff, form_id = case_of(at.store), staff_member(), uuid.uuid4()
    for _ in range(2):
        answer_case(case=case, staff=staff, recommended_keys=3, text="Three.", form_id=form_id)
        write_to_merchant(case=case, staff=staff, text="Well?", form_id=form_id)
    assert len(mail.outbox) == 1


def test_a_question_after_the_answer_leaves_the_answer_standing() -> None:
    case = answered(desk())
    write_to_merchant(case=case, staff=person("other"), text="Good luck!", form_id=None)
    assert case.state == State.ANSWERED


def test_the_letter_speaks_the_readers_language_and_finds_an_owner() -> None:
    at = desk()
    asked_by = person("colleague", language="nl")
    member(at.store.merchant, asked_by)
    case = case_of(at.store)
    case.opened_by = asked_by
    case.save()
    staff = staff_member()
    answer_case(case=case, staff=staff, recommended_keys=2, text="Two.")
    assert mail.outbox[-1].to == ["colleague@example.test"]
    Member.objects.filter(user=asked_by).delete()
    write_to_merchant(case=case, staff=staff, text="Hello", form_id=None)
    assert mail.outbox[-1].to == ["owner@example.test"]


def test_a_case_that_is_late_says_so() -> None:
    at = desk()
    case = case_of(at.store)
    Case.objects.update(reply_by=timezone.now() - timedelta(hours=1))
    words = text(at.client.get(case_url(at, case)))
    assert "We are late" in words
    assert "Expect an answer" not in words


def test_a_sale_before_the_answer_is_told_to_be_on_the_safe_side() -> None:
    at = desk()
    case = case_of(at.store, days=1)
    assert "Your sale is soon" in text(at.client.get(case_url(at, case)))
    assert "Your sale is soon" not in text(at.client.get(case_url(at, case_of(at.store, days=40))))


@pytest.mark.parametrize(("days", "soon"), [(0, True), (1, True), (2, False)])
def test_a_sale_is_soon_until_the_day_after_the_answer(days: int, soon: bool) -> None:
    case = case_of(desk().store)
    case.sale_on = timezone.localdate(case.reply_by) + timedelta(days=days)
    assert is_soon(case) is soon


@pytest.mark.parametrize(
    ("asked", "promised"),
    [
        (datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 25, 9, tzinfo=UTC)),
        (datetime(2026, 11, 26, 9, tzinfo=UTC), datetime(2026, 11, 30, 9, tzinfo=UTC)),
        (datetime(2026, 11, 28, 9, tzinfo=UTC), datetime(2026, 12, 1, 9, tzinfo=UTC)),
    ],
)
def test_a_reply_is_promised_in_working_days(asked: datetime, promised: datetime) -> None:
    assert reply_by(asked) == promised


def test_waiting_longer_than_promised_is_not_mended_by_writing_again() -> None:
    at = desk()
    case = case_of(at.store)
    promised = case.reply_by
    write_to_staff(case=case, user=owner_of(at.store), text="And?", form_id=None)
    case.refresh_from_db()
    assert case.reply_by == promised


def test_the_question_can_be_taken_back_and_asked_again() -> None:
    at = desk()
    case = case_of(at.store)
    for _ in range(2):
        page = at.client.post(f"{case_url(at, case)}withdraw/", follow=True)
        assert "You have taken your question back." in text(page)
    case.refresh_from_db()
    assert (case.state, case.outcome) == (State.CLOSED, Case.Outcome.WITHDRAWN)
    assert "You took the question back" in text(at.client.get(case_url(at, case)))
    assert case_of(at.store) != case


def test_what_really_happened_stands_beside_what_was_expected() -> None:
    at = desk()
    case = case_of(at.store, days=0)
    DailyPeak.objects.create(
        store=at.store,
        day=case.sale_on - timedelta(days=1),
        five_minutes=999,
        five_minutes_at=timezone.now(),
        hour=999,
        hour_at=timezone.now(),
        total=999,
    )
    close_case(
        case=case,
        actor=BY_TESTS,
        outcome=Case.Outcome.TIGHT,
        visitors=6100,
        orders=None,
        note="Two more next.",
    )
    words = text(at.client.get(case_url(at, case)))
    assert "it was just enough" in words
    assert "Visitors 5,000 6,100" in words
    assert "Two more next." in words
    assert "999" not in words
    assert "Send" not in words


@pytest.mark.parametrize("outcome", Case.Outcome.values)
def test_every_outcome_has_words(outcome: str) -> None:
    at = desk()
    case = case_of(at.store)
    close_case(case=case, actor=BY_TESTS, outcome=outcome)
    page = at.client.get(case_url(at, case))
    assert page.status_code == 200
    assert "Closed" in text(page)


def test_nothing_is_written_to_a_closed_case() -> None:
    at = desk()
    case = case_of(at.store)
    close_case(case=case, actor=BY_TESTS, outcome=Case.Outcome.ENOUGH)
    page = at.client.post(case_url(at, case), {"text": "One more thing"}, follow=True)
    assert "This investigation is closed." in text(page)
    staff = staff_member()
    stale = Case.objects.get()
    for act in (
        lambda: answer_case(case=stale, staff=staff, recommended_keys=1, text="Late."),
        lambda: write_to_merchant(case=stale, staff=staff, text="Late.", form_id=None),
        lambda: close_case(case=stale, actor=BY_TESTS, outcome=Case.Outcome.TIGHT),
    ):
        with pytest.raises(CaseClosedError):
            act()
    assert not CaseMessage.objects.exists()
    assert not mail.outbox
    assert Case.objects.get().outcome == Case.Outcome.ENOUGH


def test_a_case_that_nobody_closes_closes_by_itself_weeks_after_the_sale() -> None:
    at = desk()
    case = case_of(at.store)
    Case.objects.update(sale_on=timezone.localdate() - timedelta(days=14))
    assert run_closing(timezone.now()) == 0
    sale_on = timezone.localdate() - timedelta(days=15)
    Case.objects.update(sale_on=sale_on)
    DailyPeak.objects.create(
        store=at.store,
        day=sale_on,
        five_minutes=50,
        five_minutes_at=timezone.now(),
        hour=60,
        hour_at=timezone.now(),
        total=70,
    )
    assert run_closing(timezone.now()) == 1
    case.refresh_from_db()
    assert (case.state, case.outcome) == (State.CLOSED, "")
    assert case.measured == [[300, 50], [3600, 60], [86400, 70]]
    words = text(at.client.get(case_url(at, case)))
    assert "The sale is over" in words
    assert "Whole day (requests) 30,960 70" in words
    assert run_closing(timezone.now()) == 0


def test_a_sale_of_one_store_is_no_other_stores() -> None:
    at, other = desk(), desk("other", company="Wool Shop")
    mine = case_of(at.store)
    theirs = case_of(other.store, sale=SaleFigures(visitors=7, orders=1, app_percent=1))
    assert mine != theirs
    assert at.client.get(f"{sale_url(at)}cases/{theirs.pk}/").status_code == 404
