from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from keyvault.api.backlog import due_models
from keyvault.due import load_duties
from keyvault.models import AuditEntry, CredentialCheck, DutyRun
from onboarding.models import OutgoingMail, Phase
from onboarding.notices.outbox import enqueue
from onboarding.staff.work.selectors import (
    PATIENCE,
    RETRIED,
    TITLES,
    WorkKind,
    duty_lines,
    work_kinds,
)
from tests.onboarding.cast import credential, merchant, person, signed_in, staff_in, store
from tests.onboarding.migration.scene import plan

pytestmark = pytest.mark.django_db
MAILS = "onboarding.outgoingmail"
PAGE, RETRY = "/staff/due-work/", "/staff/due-work/retry/"


def mail(**changes: object) -> OutgoingMail:
    row = enqueue(recipient="a@example.test", subject="Hello", text="canary-text")
    OutgoingMail.objects.filter(pk=row.pk).update(**changes)
    return row


def failed(*, seconds: int = 60, **changes: object) -> OutgoingMail:
    due_at = timezone.now() + timedelta(seconds=seconds)
    return mail(**{"attempts": 2, "problem": "SMTPServerDisconnected", "due_at": due_at, **changes})


def kind(name: str = MAILS) -> WorkKind:
    return next(each for each in work_kinds(now=timezone.now()) if each.name == name)


def test_every_table_with_due_rows_has_a_name_for_people() -> None:
    assert {model._meta.label_lower for model in due_models()} == set(TITLES)


def test_every_duty_of_the_settings_stands_on_the_page() -> None:
    page = signed_in(staff_in("support")).get(PAGE).content.decode()
    duties = load_duties(settings.KEYVAULT_DUTIES)
    assert len(duties) > 20
    assert [duty.name for duty in duties if duty.name not in page] == []


def test_what_waits_is_counted_with_its_age() -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    mail(due_at=long_ago)
    mail()
    mail(claimed_until=timezone.now() + timedelta(minutes=1))
    mail(due_at=timezone.now() + timedelta(hours=1))
    mail(due_at=None, sent_at=timezone.now())
    found = kind()
    assert (found.due, found.oldest, found.held, found.later) == (2, long_ago, 1, 1)
    assert (found.failing, found.resting, found.errors) == (0, 0, ())


def test_what_fails_is_told_by_its_last_error() -> None:
    failed()
    failed()
    failed(problem="TimeoutError", seconds=-60)
    mail(attempts=3, due_at=None, failed_at=timezone.now(), problem="given up")
    failed(claimed_until=timezone.now() + timedelta(minutes=1))
    found = kind()
    assert (found.failing, found.resting) == (3, 2)
    assert found.errors == (("SMTPServerDisconnected", 2), ("TimeoutError", 1))
    assert kind("onboarding.submission").errors == ()
    assert work_kinds(now=timezone.now())[0].name == MAILS


def test_a_kind_without_an_error_column_is_counted_all_the_same() -> None:
    key = credential(store(merchant(owner=person("owner"))))
    CredentialCheck.objects.create(
        credential=key, reason="nightly", attempts=1, due_at=timezone.now() + timedelta(hours=1)
    )
    found = kind("keyvault.credentialcheck")
    assert (found.failing, found.errors) == (1, ())


def test_duties_that_fail_or_do_not_run_come_first() -> None:
    now = timezone.now()
    names = [duty.name for duty in load_duties(settings.KEYVAULT_DUTIES)]
    for name in names[:-1]:
        DutyRun.objects.create(name=name, ran_at=now)
    DutyRun.objects.filter(name=names[3]).update(failures=2, failed_at=now, problem="OSError")
    lines = duty_lines(now=now)
    assert [line.name for line in lines[:2]] == [names[3], names[-1]]
    assert [line.is_late for line in lines[:3]] == [False, True, False]
    page = signed_in(staff_in("support")).get(PAGE).content.decode()
    assert "failed 2 times in a row" in page
    assert "never ran" in page
    assert "No worker is there" not in page


def test_workers_that_are_gone_are_said() -> None:
    then = timezone.now() - PATIENCE - timedelta(hours=2)
    for duty in load_duties(settings.KEYVAULT_DUTIES):
        DutyRun.objects.create(name=duty.name, ran_at=then)
    page = signed_in(staff_in("support")).get(PAGE).content.decode()
    assert "No worker is there" in page
    assert "late" in page


def test_an_operator_tries_again_and_it_is_on_record() -> None:
    rows = [failed(), failed()]
    held = failed(claimed_until=timezone.now() + timedelta(minutes=1))
    fresh = mail(due_at=timezone.now() + timedelta(hours=1))
    user = staff_in("operator")
    client = signed_in(user)
    assert "Try again now" in client.get(PAGE).content.decode()
    page = client.post(RETRY, {"kind": MAILS}, follow=True).content.decode()
    assert "2 are tried again now." in page
    due = OutgoingMail.objects.filter(due_at__lte=timezone.now())
    assert {row.pk for row in due} == {row.pk for row in rows}
    assert {held.pk, fresh.pk}.isdisjoint({row.pk for row in due})
    entry = AuditEntry.objects.get(action="work.retried")
    assert (entry.actor, entry.subject) == (f"person:{user.pk}", f"work:{MAILS}")
    assert entry.facts == {"rows": 2}


def test_a_button_pressed_twice_has_one_effect() -> None:
    failed()
    client = signed_in(staff_in("operator"))
    client.post(RETRY, {"kind": MAILS})
    page = client.post(RETRY, {"kind": MAILS}, follow=True).content.decode()
    assert "Nothing waits for another try any more." in page
    assert AuditEntry.objects.filter(action="work.retried").count() == 1


def test_support_sees_the_failures_and_cannot_try_again() -> None:
    row = failed()
    client = signed_in(staff_in("support"))
    page = client.get(PAGE).content.decode()
    assert "SMTPServerDisconnected" in page
    assert "Try again now" not in page
    assert client.post(RETRY, {"kind": MAILS}).status_code == 403
    assert OutgoingMail.objects.get(pk=row.pk).due_at > timezone.now()


def test_what_waits_for_its_date_is_not_begun_early() -> None:
    """A phase that failed once and was moved to a later day must not start today."""
    phase = plan(keys_refused=timedelta(days=30)).phases.get()
    due_at = timezone.now() + timedelta(days=30)
    Phase.objects.update(attempts=2, due_at=due_at)
    assert (kind("onboarding.phase").failing, kind("onboarding.phase").resting) == (1, 0)
    client = signed_in(staff_in("operator"))
    assert "Try again now" not in client.get(PAGE).content.decode()
    assert client.post(RETRY, {"kind": "onboarding.phase"}).status_code == 404
    assert Phase.objects.get(pk=phase.pk).due_at == due_at


@pytest.mark.parametrize("name", sorted(set(TITLES) - RETRIED))
def test_only_what_pauses_after_a_failure_is_tried_early(name: str) -> None:
    answer = signed_in(staff_in("operator")).post(RETRY, {"kind": name})
    assert answer.status_code == 404


@pytest.mark.parametrize("name", ["", "onboarding.user", "keyvault.auditsealer", "nonsense"])
def test_nothing_but_due_work_is_touched(name: str) -> None:
    answer = signed_in(staff_in("operator")).post(RETRY, {"kind": name})
    assert answer.status_code == 404


def test_the_page_takes_as_many_queries_for_many_rows() -> None:
    client = signed_in(staff_in("support"))
    client.get(PAGE)
    counts = []
    for rows in (1, 5):
        for _ in range(rows):
            failed()
        with CaptureQueriesContext(connection) as queries:
            page = client.get(PAGE)
        counts.append(len(queries))
        assert "canary" not in page.content.decode()
    assert counts[0] == counts[1]
