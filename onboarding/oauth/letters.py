"""What people are told of a connection by mail."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from keyvault.models import Grant
from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import Store
from onboarding.notices.letters import Letter, absolute_url


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
