"""What merchants are told by mail, each in their own language."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from onboarding.migration.selectors import phase_of
from onboarding.models import Campaign, Phase, Store, WaitingMerchant
from onboarding.notices.letters import Letter, absolute_url


def campaign_letter(
    *, campaign: Campaign, store: Store, language: str, is_reminder: bool
) -> Letter:
    """The first letter of a campaign to one store, or a reminder."""
    plan = campaign.plan
    refused = phase_of(plan=plan, effect=Phase.Effect.KEYS_REFUSED)
    with translation.override(language):
        facts = {"vendor": plan.vendor, "store": store.name, "app": store.app_name}
        paragraphs = [
            _("%(vendor)s changes how apps get access to a shop: API keys give way to OAuth.")
            % facts,
        ]
        if refused is not None:
            facts["date"] = _day(refused.starts_at)
            paragraphs.append(
                _("The key of %(store)s works until %(date)s. Then %(vendor)s refuses it.") % facts
            )
        if campaign.expects_interruption:
            facts["interruption"] = campaign.interruption
            paragraphs.append(
                _("For your shop we expect an interruption: %(interruption)s") % facts
            )
        paragraphs.append(
            _("Reconnecting takes two minutes. %(app)s goes on working meanwhile.") % facts
        )
        subject = (
            _("Reminder: reconnect %(store)s") if is_reminder else _("Please reconnect %(store)s")
        )
        return Letter(
            subject=subject % facts,
            paragraphs=tuple(paragraphs),
            action_label=_("Reconnect"),
            action_url=absolute_url(_way(campaign=campaign, store=store)),
            note=_("Reminders stop as soon as you have reconnected."),
        )


def invitation_letter(*, waiting: WaitingMerchant, token: str) -> Letter:
    """Tells somebody in the line that it is their turn."""
    with translation.override(waiting.language):
        return Letter(
            subject=_("It is your turn: connect your shop"),
            paragraphs=(
                _("You asked us to tell you when Lightspeed can be connected. Now it can."),
                _("Follow the link; we set up your store with you."),
            ),
            action_label=_("Go on"),
            action_url=absolute_url(reverse("migration:place", args=[token])),
        )


def joined_letter(*, waiting: WaitingMerchant, token: str, place: int) -> Letter:
    """Confirms a place in the line."""
    with translation.override(waiting.language):
        return Letter(
            subject=_("You are in the waiting line"),
            paragraphs=(
                _("Your place is number %(place)s. We invite in the order of coming.")
                % {"place": place},
            ),
            action_label=_("See my place"),
            action_url=absolute_url(reverse("migration:place", args=[token])),
        )


def _way(*, campaign: Campaign, store: Store) -> str:
    if campaign.plan.provider:
        return reverse("oauth:connect", args=[store.pk, campaign.plan.provider])
    return reverse("store", args=[store.pk])


def _day(at: datetime) -> str:
    return date_format(localtime(at), "DATE_FORMAT")
