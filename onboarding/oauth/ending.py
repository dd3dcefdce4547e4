"""Ways that end without a stored grant: what the vendor approved is shredded here."""

from contextlib import suppress
from datetime import datetime

from django.utils import timezone

from keyvault.audit import Action, record
from keyvault.errors import VaultError
from keyvault.models import Credential, Grant
from keyvault.renewal import AccountRef
from onboarding.models import Consent
from onboarding.oauth.outcomes import Outcome
from onboarding.oauth.pairs import open_pair
from onboarding.oauth.renewer import RENEWER
from onboarding.people.selectors import actor_for

State = Consent.State


def give_up(*, consent: Consent, outcome: Outcome = Outcome.CANCELLED) -> Consent:
    """Shreds the pair of a consent that waits; ends it at the vendor where that harms nothing.

    Where the account is connected already the vendor is left alone: ending the new grant may end
    the one in use.
    """
    if consent.state not in (State.WAITING, State.ASKED, State.ANSWERED):
        return consent
    return fail(consent, outcome)


def delete_expired_consents(now: datetime) -> int:
    """Gives up the consents that have had their time; for a duty.

    Returns:
        How many there were.
    """
    over = Consent.objects.filter(
        state__in=(State.ASKED, State.ANSWERED, State.WAITING), expires_at__lte=now
    ).select_related("store", "user")[:100]
    return len([give_up(consent=each, outcome=Outcome.TOO_LATE) for each in over])


def fail(consent: Consent, outcome: Outcome) -> Consent:
    """Shreds the pair, if there is one, and notes why nothing was stored."""
    sealed = consent.sealed_pair
    if sealed and not _is_connected(consent):
        _revoke(consent)
    consent.state, consent.outcome, consent.sealed_pair = State.FAILED, outcome, b""
    consent.save()
    record(
        action=Action.VERIFICATION_FAILED,
        actor=actor_for(consent.user),
        keychain_id=consent.store_id,
        subject=f"consent:{consent.pk}",
        facts={"provider": consent.provider, "outcome": outcome.value},
    )
    return consent


def _is_connected(consent: Consent) -> bool:
    return Grant.objects.filter(
        provider=consent.provider,
        account=consent.account,
        credential__state__in=Credential.LIVE_STATES,
    ).exists()


def _revoke(consent: Consent) -> None:
    account = AccountRef(provider=consent.provider, account=consent.account, shop=consent.shop)
    # Whether it cannot be opened or the vendor does not confirm it: it is shredded here in any
    # case, dies unused at the vendor, and keeps nobody else's from being shredded.
    with suppress(VaultError):
        pair = open_pair(consent=consent, now=timezone.now())
        RENEWER.revoke(account=account, refresh_token=pair.refresh_token, seconds=5)
