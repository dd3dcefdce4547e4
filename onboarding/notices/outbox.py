"""The outbox: each message is a row, sealed until it is sent, claimed by workers.

A message may hold a link that opens a door (an invitation, a new password), so its text is sealed
under the system's keychain and goes as soon as it is sent or given up. A worker that dies between
sending and noting it sends twice; both bear the same Message-ID, by which mail programs tell.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.mime.image import MIMEImage
from smtplib import SMTPException
from uuid import uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from pydantic import SecretStr

from keyvault.due import Duty, backoff_seconds, claim, finish, retry
from keyvault.errors import VaultError
from keyvault.vault import open_value, seal_value, system_keychain
from onboarding.models import OutgoingMail
from onboarding.notices.bounces import is_bounced, mark_bounced, refusal

FIELD = "mail"
AT_ONCE = 10
CLAIM_SECONDS = 120
FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 3600
GIVE_UP_AFTER = timedelta(hours=72)
KEEP_FACTS_FOR = timedelta(days=30)
# Why a mail was not even tried.
HELD_BACK = "address bounced"
# By which a letter shows the operator's logo; it is added on the way out, not kept with each mail.
LOGO_ID = "brand-logo"

_log = structlog.get_logger("latchkey.mail")


def enqueue(
    *,
    recipient: str,
    subject: str,
    text: str,
    html: str = "",
    sender: str = "",
    headers: Mapping[str, str] | None = None,
    is_verification: bool = False,
) -> OutgoingMail:
    """Puts one message to one address into the outbox, in the caller's transaction.

    To an address that bounced nothing goes: the row says so and keeps no text.

    Args:
        recipient: the address.
        subject: on one line; stays readable for staff, so nothing secret.
        text: the message as text.
        html: the same as HTML.
        sender: empty: settings.DEFAULT_FROM_EMAIL.
        headers: more of them, for example of RFC 8058.
        is_verification: it asks whether the address works, so it goes to any.

    Returns:
        The row; a worker sends it within seconds of the commit.
    """
    mail = OutgoingMail(id=uuid4(), recipient=recipient, subject=subject[:200])
    if not is_verification and is_bounced(recipient):
        mail.failed_at, mail.problem = timezone.now(), HELD_BACK
        mail.save(force_insert=True)
        return mail
    message = {
        "text": text,
        "html": html,
        "sender": sender or settings.DEFAULT_FROM_EMAIL,
        "headers": dict(headers or {}),
    }
    with transaction.atomic():
        mail.due_at = timezone.now()
        mail.sealed = seal_value(
            keychain_id=system_keychain().pk,
            record_id=mail.pk,
            field=FIELD,
            value=SecretStr(json.dumps(message)),
        )
        mail.save(force_insert=True)
    return mail


def send_due(now: datetime) -> int:
    """Send what is due; what fails waits longer each time, and is given up after three days."""
    mails = claim(OutgoingMail.objects.all(), now=now, claim_seconds=CLAIM_SECONDS, limit=AT_ONCE)
    if mails:
        connection = get_connection(settings.NOTICES_TRANSPORT)
        for mail in mails:
            _send(mail, connection=connection, now=now)
    return len(mails)


def forget_old(now: datetime) -> int:
    """Delete the facts of mails that went, or were given up, long ago."""
    old = OutgoingMail.objects.filter(due_at=None, created_at__lt=now - KEEP_FACTS_FOR)
    ids = list(old.values_list("pk", flat=True)[:1000])
    return OutgoingMail.objects.filter(pk__in=ids).delete()[0]


def _send(mail: OutgoingMail, *, connection: BaseEmailBackend, now: datetime) -> None:
    """One that cannot be opened or written waits like one that is not taken: the others go."""
    try:
        _message(mail, connection=connection).send()
    except (SMTPException, OSError, VaultError, ValueError) as error:
        if refused := refusal(error):
            _give_up_refused(mail, is_address=refused[0], status=refused[1], now=now)
        else:
            _put_off(mail, problem=type(error).__name__, now=now)
        return
    finish(mail, due_at=None, sent_at=now, sealed=b"", problem="")


def _message(mail: OutgoingMail, *, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    opened = open_value(
        keychain_id=system_keychain().pk, record_id=mail.pk, field=FIELD, sealed=mail.sealed
    )
    parts = json.loads(opened.get_secret_value())
    domain = parts["sender"].rpartition("@")[2].rstrip("> ") or "localhost"
    message = EmailMultiAlternatives(
        mail.subject,
        parts["text"],
        # The sender of the envelope, to which servers report; readers see the other.
        from_email=settings.NOTICES_BOUNCES_TO or parts["sender"],
        to=[mail.recipient],
        connection=connection,
        headers={
            "From": parts["sender"],
            "Message-ID": f"<{mail.pk}@{domain}>",
            "Auto-Submitted": "auto-generated",
            **parts.get("headers", {}),
        },
    )
    if parts["html"]:
        message.attach_alternative(parts["html"], "text/html")
    if f"cid:{LOGO_ID}" in parts["html"] and settings.NOTICES_LOGO:
        _attach_logo(message)
    return message


def _attach_logo(message: EmailMultiAlternatives) -> None:
    """The picture that the HTML shows, as a part beside it (RFC 2392): nothing is fetched."""
    logo = MIMEImage(settings.NOTICES_LOGO, "png")
    logo.add_header("Content-ID", f"<{LOGO_ID}>")
    logo.add_header("Content-Disposition", "inline", filename="logo.png")
    message.mixed_subtype = "related"
    message.attach(logo)


def _give_up_refused(mail: OutgoingMail, *, is_address: bool, status: str, now: datetime) -> None:
    """The server has said no for good: to this mail, or to the address as such."""
    with transaction.atomic():
        finish(mail, due_at=None, failed_at=now, sealed=b"", problem=f"refused {status}")
        if is_address:
            mark_bounced(address=mail.recipient, status=status)
    _log.error("mail refused", mail=str(mail.pk), status=status, is_address=is_address)


def _put_off(mail: OutgoingMail, *, problem: str, now: datetime) -> None:
    if now - mail.created_at >= GIVE_UP_AFTER:
        finish(mail, due_at=None, failed_at=now, sealed=b"", problem=problem)
        _log.error("mail given up", mail=str(mail.pk), problem=problem)
        return
    pause = backoff_seconds(mail.attempts, first=FIRST_PAUSE_SECONDS, most=LONGEST_PAUSE_SECONDS)
    retry(mail, due_at=now + timedelta(seconds=pause), problem=problem)
    _log.warning("mail put off", mail=str(mail.pk), problem=problem, pause_seconds=pause)


MAIL = Duty(name="notices.mail", interval_seconds=2.0, run=send_due)
OLD_MAIL = Duty(name="notices.forget", interval_seconds=3600.0, run=forget_old)
