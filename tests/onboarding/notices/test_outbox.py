from datetime import timedelta
from email.message import EmailMessage as Parsed
from typing import Never

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from keyvault.models import Keychain
from onboarding.models import OutgoingMail
from onboarding.notices.outbox import GIVE_UP_AFTER, KEEP_FACTS_FOR, enqueue, forget_old, send_due

pytestmark = pytest.mark.django_db
CANARY = "https://latchkey.test/invitations/canary-5f3a9c/"


class BrokenTransport(BaseEmailBackend):
    """A mail server that is down, and says too much."""

    def send_messages(self, email_messages: object) -> int:
        message = f"nobody at owner@example.test {CANARY}"
        raise ConnectionRefusedError(message)


@pytest.fixture(autouse=True)
def _outbox(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "onboarding.notices.backend.OutboxBackend"
    settings.NOTICES_TRANSPORT = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def server_down(settings: Settings) -> None:
    settings.NOTICES_TRANSPORT = f"{__name__}.BrokenTransport"


def letter(**changes: str) -> OutgoingMail:
    parts = {
        "recipient": "owner@example.test",
        "subject": "Hello",
        "text": CANARY,
        "html": f"<p>{CANARY}</p>",
    }
    return enqueue(**parts | changes)


def test_mail_waits_sealed_and_goes_by_the_worker() -> None:
    row = letter()
    assert CANARY.encode() not in bytes(row.sealed)
    assert mail.outbox == []
    assert send_due(timezone.now()) == 1
    sent = mail.outbox[0]
    assert (sent.to, sent.subject, sent.body) == (["owner@example.test"], "Hello", CANARY)
    assert sent.alternatives[0].content == f"<p>{CANARY}</p>"
    row.refresh_from_db()
    assert row.sent_at is not None
    assert bytes(row.sealed) == b""
    assert send_due(timezone.now()) == 0


def test_mail_bears_the_same_number_each_time_it_is_tried() -> None:
    row = letter()
    send_due(timezone.now())
    parsed: Parsed = mail.outbox[0].message()
    assert parsed["Message-ID"] == f"<{row.pk}@example.test>"
    assert parsed["Auto-Submitted"] == "auto-generated"


def test_everything_that_django_sends_takes_the_outbox() -> None:
    message = EmailMultiAlternatives(
        "A\nB".replace("\n", " "), "text", "x@y.test", ["a@b.test", "c@d.test"]
    )
    message.attach_alternative("<p>html</p>", "text/html")
    assert message.send() == 1
    assert send_mail("Plain", "text", None, ["e@f.test"]) == 1
    assert EmailMessage("Bare", "text", None, ["g@h.test"]).send() == 1
    assert OutgoingMail.objects.count() == 4
    send_due(timezone.now())
    assert {sent.to[0] for sent in mail.outbox} == {"a@b.test", "c@d.test", "e@f.test", "g@h.test"}
    assert {sent.from_email for sent in mail.outbox} == {
        "x@y.test",
        "Latchkey <latchkey@example.test>",
    }


def test_mail_of_a_transaction_that_failed_never_goes() -> Never:
    with transaction.atomic():
        letter()
        transaction.set_rollback(True)
    assert send_due(timezone.now()) == 0


@pytest.mark.usefixtures("server_down")
def test_server_down_means_later_and_later() -> None:
    row = letter()
    now = timezone.now()
    pauses = []
    for _ in range(9):
        assert send_due(now) == 1
        row.refresh_from_db()
        pauses.append((row.due_at - now).total_seconds())
        now = row.due_at
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert bytes(row.sealed) != b""


@pytest.mark.usefixtures("server_down")
def test_failure_is_kept_by_its_kind_only(caplog: pytest.LogCaptureFixture) -> None:
    row = letter()
    send_due(timezone.now())
    row.refresh_from_db()
    assert row.problem == "ConnectionRefusedError"
    assert CANARY not in caplog.text
    assert "owner@example.test" not in caplog.text


def test_mail_goes_once_the_server_is_back(server_down: None, settings: Settings) -> None:
    letter()
    send_due(timezone.now())
    settings.NOTICES_TRANSPORT = "django.core.mail.backends.locmem.EmailBackend"
    assert send_due(timezone.now()) == 0
    assert send_due(timezone.now() + timedelta(seconds=31)) == 1
    assert len(mail.outbox) == 1


@pytest.mark.usefixtures("server_down")
def test_mail_is_given_up_after_three_days_and_its_text_is_gone() -> None:
    row = letter()
    send_due(timezone.now() + GIVE_UP_AFTER)
    row.refresh_from_db()
    assert row.failed_at is not None
    assert row.due_at is None
    assert bytes(row.sealed) == b""
    assert send_due(timezone.now() + 2 * GIVE_UP_AFTER) == 0


def test_mail_that_does_not_open_waits_and_the_others_go() -> None:
    broken, sound = letter(), letter(recipient="other@example.test")
    OutgoingMail.objects.filter(pk=broken.pk).update(sealed=b"\0" * 60)
    assert send_due(timezone.now()) == 2
    assert [sent.to for sent in mail.outbox] == [["other@example.test"]]
    broken.refresh_from_db()
    assert (broken.sent_at, broken.problem) == (None, "UnsupportedFormatError")
    sound.refresh_from_db()
    assert sound.sent_at is not None


def test_mail_in_a_workers_hands_is_left_to_it() -> None:
    row = letter()
    OutgoingMail.objects.filter(pk=row.pk).update(
        claimed_until=timezone.now() + timedelta(seconds=60)
    )
    assert send_due(timezone.now()) == 0
    assert send_due(timezone.now() + timedelta(seconds=61)) == 1


def test_all_mails_share_the_one_keychain_of_the_system() -> None:
    letter()
    letter()
    assert Keychain.objects.filter(kind="system").count() == 1


def test_facts_are_forgotten_after_a_month_but_never_before_the_mail_went() -> None:
    gone, waiting = letter(), letter()
    OutgoingMail.objects.filter(pk=gone.pk).update(due_at=None, sent_at=timezone.now())
    assert forget_old(timezone.now() + KEEP_FACTS_FOR - timedelta(minutes=1)) == 0
    assert forget_old(timezone.now() + KEEP_FACTS_FOR + timedelta(minutes=1)) == 1
    assert OutgoingMail.objects.get().pk == waiting.pk


def test_long_subject_is_cut_not_refused() -> None:
    assert len(letter(subject="x" * 500).subject) == 200
