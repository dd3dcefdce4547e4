"""Addresses that mail servers refuse: at once, or by a report."""

import io
import re
import sys
from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from onboarding.models import BouncedAddress, OutgoingMail
from onboarding.notices.bounces import (
    MOST_BYTES,
    forget_bounce,
    is_bounced,
    mark_bounced,
    refusal,
    take_report,
)
from onboarding.notices.letters import Letter, send_letter
from onboarding.notices.outbox import HELD_BACK, enqueue, send_due
from tests.onboarding.cast import PASSWORD, person, signed_in

pytestmark = pytest.mark.django_db
ADDRESS = "owner@example.test"


class RefusingTransport(BaseEmailBackend):
    """A mail server that knows no such address."""

    def send_messages(self, email_messages: object) -> int:
        raise SMTPRecipientsRefused({ADDRESS: (550, b"5.1.1 no such user here")})


@pytest.fixture(autouse=True)
def _outbox(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "onboarding.notices.backend.OutboxBackend"
    settings.NOTICES_TRANSPORT = "django.core.mail.backends.locmem.EmailBackend"


def sent_mail() -> OutgoingMail:
    row = enqueue(recipient=ADDRESS, subject="Hello", text="There")
    send_due(timezone.now())
    row.refresh_from_db()
    return row


def report(
    row: OutgoingMail,
    *,
    status: str = "5.1.1",
    action: str = "failed",
    address: str = ADDRESS,
    number: object = None,
) -> bytes:
    """What Postfix sends to the sender of a mail that it could not deliver."""
    return f"""\
From: MAILER-DAEMON@mx.example.test
To: latchkey@example.test
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="edge"

--edge
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--edge
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test

Final-Recipient: rfc822; {address}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{address}>: no such user

--edge
Content-Type: text/rfc822-headers

Message-ID: <{number or row.pk}@example.test>
Subject: Hello

--edge--
""".replace("\n", "\r\n").encode()


def test_refused_address_is_marked_and_its_mail_given_up(settings: Settings) -> None:
    settings.NOTICES_TRANSPORT = f"{__name__}.RefusingTransport"
    row = sent_mail()
    assert (row.problem, row.due_at, bytes(row.sealed)) == ("refused 5.1.1", None, b"")
    assert row.failed_at is not None
    assert is_bounced("Owner@Example.test")


def test_nothing_goes_to_an_address_that_bounced_but_what_verifies_it() -> None:
    mark_bounced(address=ADDRESS, status="5.1.1")
    letter = Letter(subject="Hello", paragraphs=("There.",))
    send_letter(letter, to=ADDRESS, language="en")
    held = OutgoingMail.objects.get()
    assert (held.problem, held.due_at, bytes(held.sealed)) == (HELD_BACK, None, b"")
    send_letter(letter, to=ADDRESS, language="en", is_verification=True)
    assert send_due(timezone.now()) == 1
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (SMTPRecipientsRefused({ADDRESS: (550, b"5.1.1 no such user")}), (True, "5.1.1")),
        (SMTPRecipientsRefused({ADDRESS: (550, b"5.2.1 disabled")}), (True, "5.2.1")),
        (SMTPRecipientsRefused({ADDRESS: (552, b"5.2.2 full")}), (False, "5.2.2")),
        (SMTPRecipientsRefused({ADDRESS: (550, b"unknown")}), (True, "550")),
        (SMTPRecipientsRefused({ADDRESS: (450, b"4.2.1 greylisted")}), None),
        (SMTPRecipientsRefused({ADDRESS: (554, b"5.7.1 relay access denied")}), None),
        (SMTPRecipientsRefused({ADDRESS: (554, b"blocked")}), None),
        (SMTPDataError(552, b"5.3.4 too big"), (False, "5.3.4")),
        (SMTPDataError(554, b"refused"), (False, "554")),
        (SMTPDataError(451, b"4.3.0 later"), None),
        (SMTPSenderRefused(550, b"5.1.8 bad sender", "x@y.test"), None),
        (SMTPAuthenticationError(535, b"5.7.8 wrong password"), None),
        (ConnectionRefusedError(), None),
    ],
)
def test_only_what_a_server_says_of_the_recipient_or_the_text_is_final(
    error: Exception, meaning: tuple[bool, str] | None
) -> None:
    assert refusal(error) == meaning


def test_report_marks_the_address_and_the_mail() -> None:
    row = sent_mail()
    assert take_report(report(row)) == "bounced"
    row.refresh_from_db()
    assert (row.problem, row.sent_at) == ("bounced 5.1.1", None)
    assert BouncedAddress.objects.get().status == "5.1.1"


def test_report_of_a_full_mailbox_marks_the_mail_only() -> None:
    row = sent_mail()
    assert take_report(report(row, status="5.2.2")) == "failed"
    row.refresh_from_db()
    assert row.failed_at is not None
    assert not is_bounced(ADDRESS)


def test_delay_is_no_final_word() -> None:
    row = sent_mail()
    assert take_report(report(row, action="delayed", status="4.4.1")) == "delayed"
    row.refresh_from_db()
    assert row.failed_at is None


def test_strangers_cannot_keep_people_from_their_mails() -> None:
    row = sent_mail()
    guessed = "0b7a5b1e-7d5b-4a53-9c0e-0a3f5a7f1d11"
    assert take_report(report(row, number=guessed)) == "foreign"
    assert take_report(report(row, address="somebody@else.test")) == "delayed"
    assert not BouncedAddress.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 50,
        b"Subject: hello\r\n\r\nI am on holiday.",
        b"Content-Type: message/delivery-status\r\n\r\nnothing",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n--x--",
        b"a" * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_report_is_left_alone(raw: bytes) -> None:
    assert take_report(raw) in {"other", "foreign"}
    assert not BouncedAddress.objects.exists()


def test_command_takes_a_report_as_a_mail_server_gives_it() -> None:
    row = sent_mail()
    given, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(report(row)))
    try:
        said = io.StringIO()
        call_command("read_bounce", stdout=said)
    finally:
        sys.stdin = given
    assert said.getvalue() == "bounced\n"


def test_reports_go_to_the_address_that_is_set_for_them(settings: Settings) -> None:
    settings.NOTICES_BOUNCES_TO = "bounces@example.test"
    sent_mail()
    message = mail.outbox[0]
    assert message.from_email == "bounces@example.test"
    assert message.message()["From"] == "Latchkey <latchkey@example.test>"


def test_people_see_it_and_let_us_try_again() -> None:
    owner = person("owner")
    client = signed_in(owner)
    page = "/accounts/notifications/"
    assert "come back" not in client.get(page).content.decode()
    mark_bounced(address=owner.email, status="5.1.1")
    assert "come back" in client.get(page).content.decode()
    client.post(f"{page}try-again/")
    assert not is_bounced(owner.email)


def test_confirming_an_address_lets_mails_go_there_again(settings: Settings) -> None:
    settings.SIGNUP_OPEN = True
    mark_bounced(address="new@example.test", status="5.1.1")
    fields = {"email": "new@example.test", "password1": PASSWORD}
    Client().post("/accounts/signup/", fields)
    send_due(timezone.now())
    link = re.search(r"/accounts/confirm-email/\S+", str(mail.outbox[0].body))[0]
    assert is_bounced("new@example.test")
    Client().post(link)
    assert not is_bounced("new@example.test")


def test_forgetting_says_whether_there_was_a_mark() -> None:
    assert forget_bounce(ADDRESS) is False
    mark_bounced(address=ADDRESS, status="5.1.1")
    assert forget_bounce(ADDRESS) is True
