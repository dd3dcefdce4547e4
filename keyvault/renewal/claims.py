"""Claiming a grant: who holds the claim is the only one that asks the vendor.

The claim and the intent to ask are one conditional UPDATE, committed before the vendor hears of it.
An intent that is found on a free row was left by somebody who died between asking and committing.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q
from pydantic import SecretStr

from keyvault import vault
from keyvault.models import Grant
from keyvault.renewal.times import claim_seconds

REFRESH_FIELD = "refresh-token"


@dataclass(frozen=True, slots=True)
class Claim:
    """A grant as it was claimed.

    Attributes:
        grant: the row, brought up to date.
        left_over: whether an earlier claim died between asking and committing.
        refresh_token: of the grant's present generation.
    """

    grant: Grant
    left_over: bool
    refresh_token: SecretStr = field(repr=False)


def claimable_grant(
    *, credential_id: UUID, now: datetime, generation: int | None = None
) -> Grant | None:
    """A grant that can be claimed now. One query; nothing is changed.

    Args:
        credential_id: whose.
        now: the present time.
        generation: what the caller saw when it decided to renew; None: whatever it is now.

    Returns:
        The grant; None when somebody else holds it, has brought the next generation since the
        caller looked, or there is nothing to renew with.
    """
    grant = Grant.objects.select_related("credential").filter(pk=credential_id).first()
    if grant is None or grant.state not in Grant.LIVE_STATES or is_held(grant, now=now):
        return None
    if generation is not None and grant.generation != generation:
        return None
    return grant


def claim_grant(*, grant: Grant, now: datetime) -> Claim | None:
    """Claims a grant and writes down that the vendor will be asked. One SELECT, one UPDATE.

    Call it outside any transaction: the intent must be durable before the vendor is asked.

    Args:
        grant: as `claimable_grant` gave it.
        now: the present time.

    Returns:
        The claim; None when somebody else was faster.

    Raises:
        ShreddedKeychainError, TamperedSecretError, KekUnavailableError, UnknownKekError: the
            refresh token cannot be opened; nothing was claimed.
    """
    refresh_token = open_refresh(grant)
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    until = now + timedelta(seconds=claim_seconds())
    won = Grant.objects.filter(
        free,
        pk=grant.pk,
        fence=grant.fence,
        generation=grant.generation,
        state__in=Grant.LIVE_STATES,
    ).update(fence=F("fence") + 1, attempts=F("attempts") + 1, claimed_until=until, intent_at=now)
    if not won:
        return None
    left_over = grant.intent_at is not None
    grant.fence += 1
    grant.attempts += 1
    grant.claimed_until, grant.intent_at = until, now
    return Claim(grant=grant, left_over=left_over, refresh_token=refresh_token)


def is_held(grant: Grant, *, now: datetime) -> bool:
    """Says whether somebody is asking the vendor."""
    return grant.claimed_until is not None and grant.claimed_until > now


def open_refresh(grant: Grant) -> SecretStr:
    """The refresh token of a grant's present generation. One query."""
    return vault.open_value(
        keychain_id=grant.credential.keychain_id,
        record_id=grant.pk,
        field=REFRESH_FIELD,
        sealed=grant.sealed_refresh,
        version=grant.generation,
    )


def seal_refresh(
    *, keychain_id: UUID, credential_id: UUID, generation: int, refresh_token: SecretStr
) -> bytes:
    """The refresh token as its row holds it. In the caller's transaction."""
    return vault.seal_value(
        keychain_id=keychain_id,
        record_id=credential_id,
        field=REFRESH_FIELD,
        value=refresh_token,
        version=generation,
    )
