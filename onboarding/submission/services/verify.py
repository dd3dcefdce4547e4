"""Checking a credential that is stored already."""

from datetime import datetime

from django.db import transaction

from keyvault import pool, vault
from keyvault.audit import Action, Actor, record
from keyvault.models import Credential, Retirement
from keyvault.vault import ApiKeySecret
from keyvault.vault.holds import is_held_back
from lightspeed.result import CheckResult, Outcome
from onboarding.models import Store, Verification
from onboarding.submission import vendor
from onboarding.submission.errors import CheckBusyError
from onboarding.submission.outcomes import RETRIED
from onboarding.submission.services.records import verification_of

State = Credential.State


def verify_credential(*, credential: Credential, actor: Actor) -> Verification:
    """Check a stored API key live, and suspend it or let it recover by what the vendor says.

    Takes seconds; call it outside any transaction. Permits for the usual requests are taken from
    the pool first, those of an unusual check are counted afterwards.

    A key that the vendor refuses is suspended, so that no backend borrows it; one that passes
    after that is active again. A missing permission suspends nothing: the app still works in part.
    A key that a person paused stays paused, one that is held back stays so, and one of a kind that
    the vendor has retired does not come back, even if the vendor still takes it. An outage changes
    nothing. A key of R-Series of before OAuth is asked about at R-Series.

    Args:
        credential: an active, paused or suspended API key; is brought up to date.
        actor: who asks; opening the credential is recorded under this name.

    Returns:
        The saved verification.

    Raises:
        CheckBusyError: the app spends every request of this key just now; ask again in a minute.
        keyvault.errors.VaultError: the credential cannot be opened.
    """
    usual = vendor.usual_requests(credential.endpoint)
    if not pool.reserve(credential_id=credential.pk, requests=usual):
        raise CheckBusyError
    store = Store.objects.get(pk=credential.keychain_id)
    pair = vault.check_out_credential(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        actor=actor,
        purpose="verification",
    )
    if not isinstance(pair, ApiKeySecret):
        message = "an OAuth token is not checked as an API key"
        raise TypeError(message)
    result = vendor.check_stored(
        pair=pair,
        endpoint=credential.endpoint,
        language=credential.language,
        expected_shop_id=store.shop_id,
    )
    with transaction.atomic():
        verification = _record(credential, store=store, result=result, actor=actor)
        unusual = result.request_times[usual:]
        if unusual:
            pool.seed(credential_id=credential.pk, request_times=unusual)
    return verification


def _record(
    credential: Credential, *, store: Store, result: CheckResult, actor: Actor
) -> Verification:
    verification = verification_of(
        store=store,
        cluster=vendor.cluster_of(credential.endpoint) or store.cluster,
        language=credential.language,
        outcome=result.outcome,
        result=result,
        request_times=result.request_times,
    )
    verification.credential = credential
    verification.save(force_insert=True)
    passed = result.outcome is Outcome.PASSED
    record(
        action=Action.VERIFICATION_PASSED if passed else Action.VERIFICATION_FAILED,
        actor=actor,
        keychain_id=store.pk,
        subject=f"credential:{credential.pk}",
        facts={"outcome": str(result.outcome), "requests": len(result.request_times)},
    )
    if result.outcome not in RETRIED:
        _note_checked(credential, at=verification.at)
        _move(credential, outcome=result.outcome, actor=actor)
    return verification


def _note_checked(credential: Credential, *, at: datetime) -> None:
    Credential.objects.filter(pk=credential.pk).update(checked_at=at)
    credential.checked_at = at


def _move(credential: Credential, *, outcome: Outcome, actor: Actor) -> None:
    """Suspend or recover by the outcome; the state is read anew, it may have changed meanwhile."""
    credential.refresh_from_db(fields=["state"])
    refused = outcome in (Outcome.REFUSED, Outcome.SWAPPED)
    if credential.state == State.ACTIVE and refused:
        to, reason = State.SUSPENDED, "vendor-refused"
    elif credential.state == State.SUSPENDED and not refused and not _stays(credential):
        to, reason = State.ACTIVE, "vendor-accepted"
    else:
        return
    moved = vault.set_state(
        credential_id=credential.pk,
        keychain_id=credential.keychain_id,
        to=to,
        actor=actor,
        reason=reason,
    )
    credential.state = moved.state


def _stays(credential: Credential) -> bool:
    """Whether a suspended key is suspended for another reason than the vendor's refusal of it."""
    retired = Retirement.objects.filter(
        endpoint=credential.endpoint.partition("/")[0], kind=credential.kind, is_refused=True
    )
    return is_held_back(credential.pk) or retired.exists()
