"""What merchants are told by mail, each in their own language."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from onboarding.migration.selectors import phase_of
from onboarding.models import (
    Campaign,
    NotificationChoice,
    Phase,
    Plan,
    Store,
    User,
    WaitingMerchant,
)
from onboarding.notices.letters import Letter, absolute_url
from onboarding.notices.preferences import unsubscribe_url

Topic = NotificationChoice.Topic


def campaign_letter(*, campaign: Campaign, store: Store, reader: User, is_reminder: bool) -> Letter:
    """The first letter of a campaign to one reader at a store, or a reminder."""
    plan = campaign.plan
    with translation.override(reader.language):
        if not plan.provider:
            subject = _("A change at %(vendor)s concerns %(store)s")
        elif is_reminder:
            subject = _("Reminder: reconnect %(store)s")
        else:
            subject = _("Please reconnect %(store)s")
        return Letter(
            subject=subject % {"vendor": plan.vendor, "store": store.name},
            paragraphs=_campaign_paragraphs(campaign=campaign, store=store),
            action_label=_("Reconnect") if plan.provider else _("See your keys"),
            action_url=absolute_url(_way(plan=plan, store=store)),
            note=_("Reminders stop as soon as you have reconnected."),
            unsubscribe_url=unsubscribe_url(user=reader, topic=Topic.CAMPAIGNS),
        )


def _campaign_paragraphs(*, campaign: Campaign, store: Store) -> tuple[str, ...]:
    """What happens and when, and whether there is a way on yet; in the language that is active."""
    plan = campaign.plan
    refused = phase_of(plan=plan, effect=Phase.Effect.KEYS_REFUSED)
    is_refused = refused is not None and refused.started_at is not None
    facts = {
        "vendor": plan.vendor,
        "store": store.name,
        "app": store.app_name,
        "date": _day(refused.starts_at) if refused else "",
        "interruption": campaign.interruption,
    }
    said = [_("%(vendor)s changes how apps get access to a shop: API keys give way to OAuth.")]
    if is_refused:
        said.append(_("%(vendor)s has refused the key of %(store)s since %(date)s."))
    elif refused is not None:
        said.append(_("The key of %(store)s works until %(date)s. Then %(vendor)s refuses it."))
    if campaign.expects_interruption:
        said.append(_("For your shop we expect an interruption: %(interruption)s"))
    if not plan.provider:
        said.append(_("We tell you as soon as you can reconnect."))
    elif is_refused:
        said.append(_("Reconnecting takes two minutes, and nothing else changes."))
    else:
        said.append(_("Reconnecting takes two minutes. %(app)s goes on working meanwhile."))
    return tuple(each % facts for each in said)


def deadline_letter(*, phase: Phase, store: Store, language: str) -> Letter:
    """Says that a date is near on which the store's key stops working."""
    plan = phase.plan
    with translation.override(language):
        facts = {
            "vendor": plan.vendor,
            "store": store.name,
            "app": store.app_name,
            "date": _day(phase.starts_at),
        }
        way_on = (
            _("Reconnecting takes two minutes. %(app)s goes on working meanwhile.")
            if plan.provider
            else _("We tell you as soon as you can reconnect.")
        )
        return Letter(
            subject=_("The key of %(store)s works until %(date)s") % facts,
            paragraphs=(
                _("The key of %(store)s works until %(date)s. Then %(vendor)s refuses it.") % facts,
                way_on % facts,
            ),
            action_label=_("Reconnect") if plan.provider else _("See your keys"),
            action_url=absolute_url(_way(plan=plan, store=store)),
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


def _way(*, plan: Plan, store: Store) -> str:
    if plan.provider:
        return reverse("oauth:connect", args=[store.pk, plan.provider])
    return reverse("store", args=[store.pk])


def _day(at: datetime) -> str:
    return date_format(localtime(at), "DATE_FORMAT")
