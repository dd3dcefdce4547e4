"""What people are told of a connection by mail."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from keyvault.models import Credential, Grant
from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import NotificationChoice, Store
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.notices.preferences import readers_at


def lost_letter(*, grant: Grant, store: Store, language: str, now: datetime) -> Letter:
    """Says that the vendor refuses a connection, why that can be, and until when the app works."""
    until = grant.credential.valid_until
    with translation.override(language):
        facts = {
            "store": store.name,
            "app": store.app_name,
            "vendor": PROVIDERS[grant.provider].title,
        }
        works = _("%(app)s cannot use it any more.")
        if until is not None and until > now:
            facts["until"] = date_format(localtime(until), "DATETIME_FORMAT")
            works = _("%(app)s works until %(until)s.")
        return Letter(
            subject=_("Please reconnect %(store)s") % facts,
            paragraphs=(
                _("%(vendor)s no longer accepts the connection of %(store)s.") % facts,
                works % facts,
                _(
                    "That happens when somebody takes the approval back at Lightspeed, or when an "
                    "answer of Lightspeed was lost on its way to us."
                ),
                _("Reconnecting takes two minutes, and nothing else changes."),
            ),
            action_label=_("Reconnect"),
            action_url=absolute_url(reverse("oauth:connect", args=[store.pk, grant.provider])),
        )


def tell_uninstalled(credential: Credential) -> None:
    """Write to the people of a store whose app was taken out; in the caller's transaction."""
    store = Store.objects.get(pk=credential.keychain_id)
    others = Credential.objects.filter(keychain_id=store.pk, state=Credential.State.ACTIVE).exclude(
        pk=credential.pk
    )
    goes_on = others.exists()
    for reader in readers_at(merchant_id=store.merchant_id, topic=NotificationChoice.Topic.KEYS):
        letter = uninstalled_letter(store=store, goes_on=goes_on, language=reader.language)
        send_letter(letter, to=reader.email, language=reader.language)


def uninstalled_letter(*, store: Store, goes_on: bool, language: str) -> Letter:
    """Says that the shop has taken the app out, what became of its key, and what follows.

    Args:
        store: whose app it was.
        goes_on: another key of the store works.
        language: the reader's.
    """
    with translation.override(language):
        facts = {"store": store.name, "app": store.app_name}
        follows = (
            _("%(app)s goes on with the other keys, and so with fewer requests.")
            if goes_on
            else _("%(app)s gets no data until it is installed again, or you add a key.")
        )
        return Letter(
            subject=_("%(app)s was uninstalled from %(store)s") % facts,
            paragraphs=(
                _("Lightspeed told us that somebody took the app out of %(store)s.") % facts,
                _("We destroyed the key that came with it at once."),
                follows % facts,
            ),
            action_label=_("See your store"),
            action_url=absolute_url(reverse("store", args=[store.pk])),
            note=_("You can choose what we write to you about on your account's page."),
        )
