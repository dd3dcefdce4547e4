"""Addresses that mail servers refuse, and the reports by which they say so later.

A server refuses an address at once (a reply 5xx to RCPT) or takes the mail and sends a report to
the sender's address afterwards (RFC 3464). Such a report is believed only when it names a mail
that we sent, by the number in its Message-ID, which nobody can guess, and the address that this
mail went to: so no stranger can keep people from their mails.
"""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from smtplib import SMTPDataError, SMTPRecipientsRefused
from uuid import UUID

import structlog
from django.utils import timezone

from onboarding.models import BouncedAddress, OutgoingMail

# RFC 3463: what is wrong with the address itself, or with its mailbox for good.
_ADDRESS_STATUS = re.compile(r"\b5\.(?:1\.\d{1,3}|2\.1)\b")
_ANY_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
# RFC 5321 section 4.2.3, for servers that give no enhanced status.
_ADDRESS_REPLIES = (550, 551, 553)
_PERMANENT = 500
_NUMBER = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", re.IGNORECASE)
MOST_BYTES = 1024 * 1024

_log = structlog.get_logger("latchkey.mail")


def is_bounced(address: str) -> bool:
    """Whether mails to an address come back."""
    return BouncedAddress.objects.filter(email=address.lower()).exists()


def mark_bounced(*, address: str, status: str) -> None:
    """Notes that an address does not take mails; the newest reason stands."""
    BouncedAddress.objects.update_or_create(
        email=address.lower(), defaults={"status": status, "at": timezone.now()}
    )


def forget_bounce(address: str) -> bool:
    """Lets mails go to an address again; whether it was marked."""
    return bool(BouncedAddress.objects.filter(email=address.lower()).delete()[0])


def refusal(error: Exception) -> tuple[bool, str] | None:
    """What a mail server's answer means.

    Only what it says of the recipient or of the text counts: a sender or a password that it refuses
    is ours to mend, and so is its policy (5.7, "relay access denied"), so those mails wait.

    Args:
        error: what sending one mail to one address raised.

    Returns:
        None: it may go well another time. Otherwise the server has refused for good: whether the
        address itself is the reason, and the status.
    """
    said: bytes | str
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    elif isinstance(error, SMTPDataError):
        code, said = error.smtp_code, error.smtp_error
    else:
        return None
    if code < _PERMANENT:
        return None
    words = said if isinstance(said, str) else said.decode("ascii", "replace")
    if found := _ANY_STATUS.search(words):
        is_policy = found[0].startswith("5.7.")
        return None if is_policy else (bool(_ADDRESS_STATUS.match(found[0])), found[0])
    if isinstance(error, SMTPDataError):
        return False, str(code)
    return (True, str(code)) if code in _ADDRESS_REPLIES else None


def take_report(raw: bytes) -> str:
    """Takes a report of a mail server about a mail that it did not deliver.

    Args:
        raw: the whole mail, as it came to the address that reports are sent to.

    Returns:
        What became of it, in one word: "bounced" (the address is marked), "failed" (this mail did
        not go, the address may), "delayed" (no final word), "foreign" (it is about no mail of
        ours), "other" (it is no such report).
    """
    if len(raw) > MOST_BYTES:
        return "other"
    message = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        return "other"
    reports = list(_reports_in(message))
    if not reports:
        return "other"
    mail = _mail_of(raw)
    if mail is None:
        return "foreign"
    for report in reports:
        status = str(report.get("Status", "")).strip()
        has_failed = str(report.get("Action", "")).strip().lower() == "failed"
        if has_failed and _names(report, address=mail.recipient):
            return _note(mail, status=status)
    return "delayed"


def _note(mail: OutgoingMail, *, status: str) -> str:
    found = _ANY_STATUS.search(status)
    number = found[0] if found else "5"
    OutgoingMail.objects.filter(pk=mail.pk).update(
        failed_at=timezone.now(), sent_at=None, problem=f"bounced {number}"
    )
    if not _ADDRESS_STATUS.match(number):
        return "failed"
    mark_bounced(address=mail.recipient, status=number)
    _log.warning("address bounced", mail=str(mail.pk), status=number)
    return "bounced"


def _reports_in(message: EmailMessage) -> Iterator[EmailMessage]:
    """The blocks of fields in the parts of type message/delivery-status."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            payload = part.get_payload()
            blocks = payload if isinstance(payload, list) else []
            yield from (block for block in blocks if isinstance(block, EmailMessage))


def _mail_of(raw: bytes) -> OutgoingMail | None:
    """The mail of ours that a report returns, by the number of its Message-ID."""
    numbers = {UUID(found) for found in _NUMBER.findall(raw.decode("ascii", "replace"))}
    return OutgoingMail.objects.defer("sealed").filter(pk__in=list(numbers)[:10]).first()


def _names(report: EmailMessage, *, address: str) -> bool:
    named = (str(report.get(name, "")) for name in ("Original-Recipient", "Final-Recipient"))
    return any(text.rpartition(";")[2].strip().lower() == address.lower() for text in named)
