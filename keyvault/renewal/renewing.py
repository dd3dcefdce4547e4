"""One renewal from claim to commit."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault import audit, vault
from keyvault.audit import SYSTEM, Action
from keyvault.due import backoff_seconds
from keyvault.errors import RefreshFailedError, RefreshRefusedError
from keyvault.models import Credential, Grant
from keyvault.renewal import breaker
from keyvault.renewal.claims import Claim, claim_grant, claimable_grant, seal_refresh
from keyvault.renewal.contract import TokenPair, account_of, renewer
from keyvault.renewal.times import call_seconds, claim_seconds, renewal_at, valid_until
from keyvault.vault import AccessTokenSecret
from keyvault.vault.holds import is_held_back


class Outcome(StrEnum):
    """How a renewal ended."""

    RENEWED = "renewed"
    #: Somebody else holds the claim, has renewed it meanwhile, or there is nothing to renew.
    BUSY = "busy"
    #: No pair came; the present token goes on being served while it is valid.
    FAILED = "failed"
    #: The vendor may have rotated the token; it is too early to show the old one again.
    UNKNOWN = "unknown"
    #: The vendor refuses the grant.
    LOST = "lost"
    #: The vendor is down and left alone for a while.
    PAUSED = "paused"


def renew(
    *, credential_id: UUID, generation: int | None = None, now: datetime | None = None
) -> Outcome:
    """Renews one grant, unless somebody else is at it. Call it outside any transaction.

    The new pair is committed before this returns, and nothing reads it sooner. Takes as long as the
    vendor takes, at most `settings.KEYVAULT_TOKEN_CALL_SECONDS`.

    Args:
        credential_id: whose grant.
        generation: what the caller saw when it decided; a newer one is not renewed again.
        now: the present time; None takes the clock's.

    Raises:
        ShreddedKeychainError, TamperedSecretError, KekUnavailableError, UnknownKekError: the
            refresh token cannot be opened, or the new pair not be sealed.
    """
    now = now or timezone.now()
    grant = claimable_grant(credential_id=credential_id, now=now, generation=generation)
    if grant is None:
        return Outcome.BUSY
    if not breaker.may_ask(provider=grant.provider, now=now, trial_seconds=claim_seconds()):
        return _put_off(credential_id=credential_id, now=now)
    claim = claim_grant(grant=grant, now=now)
    if claim is None:
        return Outcome.BUSY
    if _must_wait(claim=claim, now=now):
        return _stay_unknown(claim=claim, now=now)
    if claim.left_over:
        _record(Action.GRANT_UNKNOWN, grant=claim.grant, cause="left-over")
    return _ask(claim=claim, now=now)


def _put_off(*, credential_id: UUID, now: datetime) -> Outcome:
    """Makes room for the grants of other providers while this one is left alone."""
    later = now + timedelta(seconds=breaker.FIRST_PAUSE_SECONDS)
    Grant.objects.filter(pk=credential_id, claimed_until=None, due_at__lte=now).update(due_at=later)
    return Outcome.PAUSED


def _must_wait(*, claim: Claim, now: datetime) -> bool:
    """Says whether showing the old token again could end a grant that is still good."""
    grant = claim.grant
    in_doubt = claim.left_over or grant.state == Grant.State.UNKNOWN
    return in_doubt and renewer().is_single_use(grant.provider) and grant.access_expires_at > now


def _ask(*, claim: Claim, now: datetime) -> Outcome:
    grant = claim.grant
    try:
        pair = renewer().renew(
            account=account_of(grant), refresh_token=claim.refresh_token, seconds=call_seconds()
        )
    except RefreshRefusedError:
        breaker.note_answer(provider=grant.provider)
        return _refused(claim)
    except RefreshFailedError as error:
        breaker.note_failure(provider=grant.provider, now=now)
        return _failed(claim=claim, error=error, now=now)
    # First the commit: everybody waits for it, and a crash before it may cost the grant.
    outcome = commit_pair(claim=claim, pair=pair)
    breaker.note_answer(provider=grant.provider)
    return outcome


def commit_pair(*, claim: Claim, pair: TokenPair) -> Outcome:
    """Makes a pair durable. One transaction; locks the grant's row.

    A pair that comes after its claim ran out is kept as long as nobody else has brought one: the
    vendor may have ended the token that it came from.
    """
    now = timezone.now()
    with transaction.atomic():
        grant = (
            Grant.objects.select_for_update(of=("self",))
            .select_related("credential")
            .get(pk=claim.grant.pk)
        )
        if grant.generation != claim.grant.generation or grant.state not in Grant.LIVE_STATES:
            return Outcome.BUSY
        credential = grant.credential
        until = valid_until(now=now, life_seconds=pair.expires_in_seconds)
        secret = AccessTokenSecret(pair.access_token)
        vault.replace_token(credential=credential, secret=secret, valid_until=until)
        _write(grant, **_renewed(grant=grant, pair=pair, now=now), **_released(claim, grant))
        _record(Action.GRANT_RENEWED, grant=grant, generation=grant.generation + 1)
        if pair.scopes and pair.scopes != grant.scope_names:
            _record(Action.GRANT_CHANGED, grant=grant, scopes=list(pair.scopes))
        if credential.state == Credential.State.SUSPENDED and not is_held_back(credential.pk):
            _set_state(grant, to=Credential.State.ACTIVE, reason="renewed")
    return Outcome.RENEWED


def _renewed(*, grant: Grant, pair: TokenPair, now: datetime) -> dict[str, Any]:
    generation = grant.generation + 1
    return {
        "generation": generation,
        "sealed_refresh": seal_refresh(
            keychain_id=grant.credential.keychain_id,
            credential_id=grant.pk,
            generation=generation,
            refresh_token=pair.refresh_token,
        ),
        "access_expires_at": now + timedelta(seconds=pair.expires_in_seconds),
        "due_at": renewal_at(now=now, life_seconds=pair.expires_in_seconds),
        "renewed_at": now,
        "state": Grant.State.ACTIVE,
        "scopes": " ".join(pair.scopes) or grant.scopes,
        "attempts": 0,
        "problem": "",
    }


def _refused(claim: Claim) -> Outcome:
    """Believes a refusal only when the row still holds the token that was refused."""
    with transaction.atomic():
        grant = (
            Grant.objects.select_for_update(of=("self",))
            .select_related("credential")
            .get(pk=claim.grant.pk)
        )
        if grant.generation != claim.grant.generation or grant.state not in Grant.LIVE_STATES:
            _write(grant, **_released(claim, grant))
            return Outcome.BUSY
        _write(
            grant,
            state=Grant.State.LOST,
            problem="refused",
            sealed_refresh=b"",
            # What is left of the access token is lent until its time; then the key is suspended.
            due_at=grant.credential.valid_until,
            **_released(claim, grant),
        )
        _record(Action.GRANT_LOST, grant=grant, generation=grant.generation)
    return Outcome.LOST


def _failed(*, claim: Claim, error: RefreshFailedError, now: datetime) -> Outcome:
    if error.may_have_rotated and renewer().is_single_use(claim.grant.provider):
        return _stay_unknown(claim=claim, now=now, problem=error.problem)
    grant = claim.grant
    pause = max(backoff_seconds(grant.attempts), error.retry_after_seconds)
    _write(
        grant,
        due_at=now + timedelta(seconds=pause),
        problem=error.problem[:60],
        **_released(claim, grant),
    )
    return Outcome.FAILED


def _stay_unknown(*, claim: Claim, now: datetime, problem: str = "left-over") -> Outcome:
    """Leaves the old token alone until the access token has expired; then it is shown once more."""
    grant = claim.grant
    later = now + timedelta(seconds=backoff_seconds(grant.attempts))
    with transaction.atomic():
        is_news = grant.state != Grant.State.UNKNOWN
        _write(
            grant,
            state=Grant.State.UNKNOWN,
            problem=problem[:60],
            due_at=max(grant.access_expires_at, later),
            **_released(claim, grant),
        )
        if is_news:
            _record(Action.GRANT_UNKNOWN, grant=grant, cause=problem)
    return Outcome.UNKNOWN


def suspend_lost(*, grant: Grant, now: datetime) -> bool:
    """Takes a lost grant's credential out of the pool once its last access token is over."""
    with transaction.atomic():
        mine = Grant.objects.filter(pk=grant.pk, state=Grant.State.LOST, due_at__lte=now)
        if not mine.update(due_at=None):
            return False
        if grant.credential.state == Credential.State.ACTIVE:
            _set_state(grant, to=Credential.State.SUSPENDED, reason="grant-lost")
    return True


def _released(claim: Claim, grant: Grant) -> dict[str, Any]:
    """The columns that give a claim back; none when somebody else has claimed it since."""
    if grant.fence != claim.grant.fence:
        return {}
    return {"claimed_until": None, "intent_at": None}


def _write(grant: Grant, **changes: Any) -> None:
    if changes:
        Grant.objects.filter(pk=grant.pk, fence=grant.fence).update(**changes)


def _set_state(grant: Grant, *, to: Credential.State, reason: str) -> None:
    vault.set_state(
        credential_id=grant.pk,
        keychain_id=grant.credential.keychain_id,
        to=to,
        actor=SYSTEM,
        reason=reason,
    )


def _record(action: Action, *, grant: Grant, **facts: Any) -> None:
    audit.record(
        action=action,
        actor=SYSTEM,
        keychain_id=grant.credential.keychain_id,
        subject=f"credential:{grant.pk}",
        facts={"provider": grant.provider, **facts},
    )
