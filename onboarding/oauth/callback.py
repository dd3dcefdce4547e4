"""The way back from the vendor: the answer is taken once, and judged before anybody stores it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from keyvault import vault
from lightspeed.errors import VendorError
from lightspeed.oauth.account import RetailAccount, bearer, read_account
from lightspeed.oauth.consent import ConsentAnswer, read_callback
from lightspeed.oauth.errors import (
    CallbackError,
    ClientRefusedError,
    ConsentDeniedError,
    GrantRefusedError,
    ScopeRefusedError,
)
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.tokens import TokenPair, exchange_code
from onboarding.errors import ConsentOverError
from onboarding.models import Consent, User
from onboarding.oauth.ending import fail
from onboarding.oauth.outcomes import Outcome
from onboarding.oauth.pairs import open_verifier, seal_pair
from onboarding.oauth.progress import digest_of, note_progress
from onboarding.oauth.providers import client_of, provider_named, transport
from onboarding.oauth.selectors import expected_account, replaced_by

State = Consent.State

_OUTCOMES: tuple[tuple[type[VendorError], Outcome], ...] = (
    (ConsentDeniedError, Outcome.DENIED),
    (ClientRefusedError, Outcome.OPERATOR),
    (ScopeRefusedError, Outcome.OPERATOR),
    (GrantRefusedError, Outcome.CODE_EXPIRED),
    (CallbackError, Outcome.UNUSABLE),
)


def take_callback(
    *, provider_name: str, parameters: Mapping[str, str], user: User, session: str
) -> Consent:
    """Takes what the browser brought back, once. Open no transaction around it.

    Args:
        provider_name: whose address was called.
        parameters: the query, as it came.
        user: who is signed in.
        session: the secret of their session.

    Returns:
        The consent: waiting for the merchant, or failed with its outcome and nothing stored.

    Raises:
        ConsentOverError: the state is unknown, used, another session's or another person's.
    """
    consent = _claimed(
        provider_name=provider_name,
        digest=digest_of(state=parameters.get("state", ""), session=session),
        user=user,
    )
    provider = provider_named(consent.provider)
    now = timezone.now()
    if consent.expires_at <= now:
        return fail(consent, Outcome.TOO_LATE)
    try:
        answer = read_callback(provider=provider, parameters=parameters)
        pair = _exchanged(consent=consent, provider=provider, answer=answer)
        _keep(consent=consent, pair=pair, answer=answer, now=now)
        account = read_account(
            provider=provider,
            authorization=bearer(pair.access_token),
            shop=answer.shop,
            transport=transport(),
        )
    except VendorError as error:
        return fail(consent, _outcome_of(error))
    return _judge(consent=consent, provider=provider, account=account)


def _claimed(*, provider_name: str, digest: str, user: User) -> Consent:
    mine = Consent.objects.filter(
        state_digest=digest, provider=provider_name, user=user, state=State.ASKED
    )
    consent = mine.select_related("store").first()
    if consent is None or not mine.update(state=State.ANSWERED):
        raise ConsentOverError
    consent.state = State.ANSWERED
    return consent


def _exchanged(*, consent: Consent, provider: Provider, answer: ConsentAnswer) -> TokenPair:
    return exchange_code(
        provider=provider,
        client=client_of(provider.name),
        code=answer.code,
        verifier=open_verifier(consent=consent),
        redirect_uri=consent.redirect_uri,
        shop=answer.shop,
        transport=transport(),
    )


def _keep(*, consent: Consent, pair: TokenPair, answer: ConsentAnswer, now: datetime) -> None:
    with transaction.atomic():
        consent.sealed_pair = seal_pair(
            consent=consent, access_token=pair.access_token, refresh_token=pair.refresh_token
        )
        consent.access_expires_at = now + timedelta(seconds=pair.expires_in_seconds)
        consent.scopes = " ".join(pair.scopes)
        consent.shop = answer.shop
        consent.save()
    note_progress(store=consent.store, column="authorised_at")


def _judge(*, consent: Consent, provider: Provider, account: RetailAccount) -> Consent:
    """Compares account and scopes with what the store needs."""
    consent.account, consent.account_name = account.id, account.name
    if consent.shop and account.id != consent.shop:
        return fail(consent, Outcome.UNUSABLE)
    expected = expected_account(store=consent.store, provider=provider)
    if expected and account.id != expected:
        return fail(consent, Outcome.WRONG_ACCOUNT)
    replaces = replaced_by(store=consent.store, provider=provider)
    fingerprint = vault.account_fingerprint(provider=provider.name, account=account.id)
    taken = vault.find_duplicate(keychain_id=consent.store_id, fingerprint=fingerprint)
    if taken == "elsewhere":
        return fail(consent, Outcome.IN_USE)
    granted = tuple(consent.scopes.split())
    if granted and provider.missing_scopes(granted):
        return fail(consent, Outcome.MISSING_SCOPES)
    consent.state, consent.outcome = State.WAITING, Outcome.PASSED
    consent.replaces = [str(each.pk) for each in replaces]
    consent.save()
    return consent


def _outcome_of(error: VendorError) -> Outcome:
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return outcome
    return Outcome.UNAVAILABLE
