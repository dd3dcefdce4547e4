"""Staff are mailed when a tripwire fires, and mark what they have looked into."""

import pytest
from django.core import mail
from django.urls import reverse
from pytest_django import DjangoCaptureOnCommitCallbacks

from keyvault.models import Alert, AuditEntry
from keyvault.vault.tripwires import fire
from onboarding.notices.preferences import Choice, Topic, save_choices
from tests.onboarding.cast import confirmed, person, signed_in, staff_in

pytestmark = pytest.mark.django_db
LIST = reverse("admin:keyvault_alert_changelist")
HANDLE = reverse("staff-alerts-handle")


def alarm(subject: str = "credential:1") -> Alert:
    fire(kind=Alert.Kind.HONEYTOKEN, subject=subject, facts={})
    return Alert.objects.get(subject=subject)


def test_an_operator_marks_alerts_as_handled_after_saying_what_was_done() -> None:
    first, second, other = alarm(), alarm("credential:2"), alarm("credential:3")
    client = confirmed(staff_in("operator"))
    chosen = {"action": "mark_as_handled", "_selected_action": [first.pk, second.pk]}

    question = client.post(LIST, chosen, follow=True)
    page = question.content.decode()
    assert "credential:1" in page
    assert "credential:3" not in page
    address = question.redirect_chain[-1][0]
    assert "note" in client.post(address, {"note": ""}).content.decode()
    assert not Alert.objects.exclude(handled_at=None).exists()

    done = client.post(address, {"note": "Our own drill."}, follow=True)
    assert "2 alerts are handled." in done.content.decode()
    assert set(Alert.objects.filter(handled_note="Our own drill.")) == {first, second}
    assert Alert.objects.get(handled_at=None) == other
    assert AuditEntry.objects.filter(action="tripwire.handled").count() == 2
    shown = client.get(reverse("admin:keyvault_alert_change", args=[first.pk])).content.decode()
    assert "Our own drill." in shown
    assert "person:" in shown


def test_what_is_handled_already_is_said_so_and_stays_whose_it_was() -> None:
    alert = alarm()
    client = confirmed(staff_in("operator"))
    address = f"{HANDLE}?alert={alert.pk}"
    client.post(address, {"note": "First."})

    assert "handled already" in client.get(address).content.decode()
    client.post(address, {"note": "Second."})
    chosen = {"action": "mark_as_handled", "_selected_action": [alert.pk]}
    answer = client.post(LIST, chosen, follow=True)

    assert "handled already" in answer.content.decode()
    assert Alert.objects.get().handled_note == "First."


def test_who_only_sees_and_who_has_not_confirmed_handles_nothing() -> None:
    address = f"{HANDLE}?alert={alarm().pk}"

    assert confirmed(staff_in("support")).post(address, {"note": "x"}).status_code == 403
    assert confirmed(person("merchant")).post(address, {"note": "x"}).status_code == 403
    assert signed_in(staff_in("operator")).post(address, {"note": "x"}).status_code == 302
    assert Alert.objects.get().handled_at is None


def test_nonsense_in_the_address_is_no_error() -> None:
    alarm()
    given = "&".join(f"alert={each}" for each in ("x", "-1", "²", "9" * 30))
    answer = confirmed(staff_in("operator")).get(f"{HANDLE}?{given}")
    assert answer.status_code == 200


def test_a_key_in_the_note_is_refused() -> None:
    address = f"{HANDLE}?alert={alarm().pk}"
    client = confirmed(staff_in("operator"))
    page = client.post(address, {"note": "It was 0123456789abcdef0123456789abcdef."})
    assert "looks like an API key" in page.content.decode()
    assert Alert.objects.get().handled_at is None


def test_an_alert_is_mailed_at_once_to_staff_who_may_see_it_and_want_to(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    reader, deaf = staff_in("support"), staff_in("security")
    staff_in(None)
    save_choices(user=deaf, choices={Topic.ALERTS: Choice.OFF})

    with django_capture_on_commit_callbacks(execute=True):
        alert = alarm()
    with django_capture_on_commit_callbacks(execute=True):
        alarm("credential:2")

    (letter,) = mail.outbox
    assert letter.to == [reader.email]
    assert letter.subject == "Look at this now: a decoy credential was used"
    assert "credential:1" in letter.body
    assert reverse("admin:keyvault_alert_change", args=[alert.pk]) in letter.body
