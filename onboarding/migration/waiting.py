"""The waiting line: joining it, one's place in it, being invited in order."""

import hashlib
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from onboarding.errors import ProviderClosedError, UnknownRecordError
from onboarding.migration.letters import invitation_letter, joined_letter
from onboarding.migration.selectors import place_in_line
from onboarding.models import WaitingMerchant
from onboarding.notices.letters import send_letter
from onboarding.oauth.providers import open_providers

TOKEN_BYTES = 32
State = WaitingMerchant.State


@dataclass(frozen=True, slots=True)
class Details:
    """What somebody leaves."""

    company: str
    email: str
    platform: str
    language: str


def join_line(*, provider: str, details: Details) -> None:
    """Gives somebody the next place, and tells them by mail.

    The page says the same whether the address had a place already: nobody learns who waits. An
    address that joins again is sent its place again.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        waiting, is_new = WaitingMerchant.objects.get_or_create(
            provider=provider,
            email=details.email.lower(),
            state=State.WAITING,
            defaults={
                "company": details.company,
                "platform": details.platform,
                "language": details.language,
                "digest": digest_of(token),
            },
        )
        if not is_new:
            WaitingMerchant.objects.filter(pk=waiting.pk).update(digest=digest_of(token))
        letter = joined_letter(waiting=waiting, token=token, place=place_in_line(waiting))
        send_letter(letter, to=waiting.email, language=waiting.language)


def waiting_of(token: str) -> WaitingMerchant:
    """Whose link it is.

    Raises:
        UnknownRecordError: no such link.
    """
    found = WaitingMerchant.objects.filter(digest=digest_of(token)).first()
    if found is None:
        raise UnknownRecordError
    return found


def leave_line(waiting: WaitingMerchant) -> None:
    """Gives a place up."""
    mine = WaitingMerchant.objects.filter(pk=waiting.pk, state=State.WAITING)
    mine.update(state=State.LEFT)


def invite_next(*, provider: str, count: int) -> int:
    """Invites the first of the line, in the order of coming, once their vendor is open.

    Args:
        provider: whose line.
        count: how many at most.

    Returns:
        How many were invited.

    Raises:
        ProviderClosedError: they could not connect yet; nobody was invited.
    """
    if all(each.name != provider for each in open_providers()):
        raise ProviderClosedError
    line = WaitingMerchant.objects.filter(provider=provider, state=State.WAITING).order_by("pk")
    return sum(_invite(waiting) for waiting in line[:count])


@transaction.atomic
def _invite(waiting: WaitingMerchant) -> bool:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    mine = WaitingMerchant.objects.filter(pk=waiting.pk, state=State.WAITING)
    if not mine.update(state=State.INVITED, invited_at=timezone.now(), digest=digest_of(token)):
        return False
    letter = invitation_letter(waiting=waiting, token=token)
    send_letter(letter, to=waiting.email, language=waiting.language)
    return True


def digest_of(token: str) -> str:
    """The form in which a link is kept."""
    return hashlib.sha256(token.encode()).hexdigest()
