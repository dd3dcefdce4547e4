"""What workers do for connections."""

from datetime import datetime

from django.db import transaction

from keyvault.due import Duty
from keyvault.models import Grant
from onboarding.models import NotificationChoice, Store
from onboarding.notices.letters import send_letter
from onboarding.notices.preferences import readers_at
from onboarding.oauth.ending import delete_expired_consents
from onboarding.oauth.installs import delete_expired_installs
from onboarding.oauth.letters import lost_letter

AT_ONCE = 50


def tell_losses(now: datetime) -> int:
    """Tells the people of a store that its connection is lost, and why; once.

    Returns:
        How many connections were told of.
    """
    lost = Grant.objects.select_related("credential").filter(state=Grant.State.LOST, told_at=None)
    return sum(_tell(grant, now=now) for grant in lost[:AT_ONCE])


@transaction.atomic
def _tell(grant: Grant, *, now: datetime) -> bool:
    """Who writes the row writes the letters: they go out if both commit."""
    if not Grant.objects.filter(pk=grant.pk, told_at=None).update(told_at=now):
        return False
    store = Store.objects.filter(pk=grant.credential.keychain_id).first()
    if store is None:
        return False
    topic = NotificationChoice.Topic.KEYS
    for reader in readers_at(merchant_id=store.merchant_id, topic=topic):
        letter = lost_letter(grant=grant, store=store, language=reader.language, now=now)
        send_letter(letter, to=reader.email, language=reader.language)
    return True


def run_expiry(now: datetime) -> int:
    """Gives up what waited too long for a merchant's word.

    Returns:
        How many consents and installations there were.
    """
    return delete_expired_consents(now) + delete_expired_installs(now)


LOSSES = Duty(name="oauth.losses", interval_seconds=10, run=tell_losses)
CONSENTS = Duty(name="oauth.consents", interval_seconds=60, run=run_expiry)
