"""Checking a credential that is stored already."""

from datetime import datetime

from django.db import transaction

from keyvault import pool, vault
from keyvault.audit import Action, Actor, record
from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
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
    A key that a person paused stays paused. An outage changes nothing.

    Args:
        credential: an active, paused or suspended API key; is brought up to date.
        actor: who asks; opening the credential is recorded under this name.

    Returns:
        The saved verification.

    Raises:
        CheckBusyError: the app spends every request of this key just now; ask again in a minute.
        keyvault.errors.VaultError: the credential cannot be opened.
    """
    if not pool.reserve(credential_id=credential.pk, requests=vendor.USUAL_REQUESTS):
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
    result = vendor.check_pair(
        pair=pair,
        endpoint=credential.endpoint,
        language=credential.language,
        expected_shop_id=store.shop_id,
    )
    with transaction.atomic():
        verification = _record(credential, store=store, result=result, actor=actor)
        unusual = result.request_times[vendor.USUAL_REQUESTS :]
        if unusual:
            pool.seed(credential_id=credential.pk, request_times=unusual)
    return verification


def _record(
    credential: Credential, *, store: Store, result: CheckResult, actor: Actor
) -> Verification:
    verification = verification_of(
        store=store,
        cluster=credential.endpoint.removeprefix(vendor.ENDPOINT_PREFIX),
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
    elif credential.state == State.SUSPENDED and not refused:
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
