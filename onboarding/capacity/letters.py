"""What a merchant and staff are told by mail of an investigation."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from onboarding.models import Case, Member, NotificationChoice, User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.notices.preferences import staff_readers, wants

# The right of staff to answer an investigation.
MAY_ANSWER = "onboarding.change_case"


def tell_the_answer(*, case: Case) -> None:
    """Write that staff recommend a number of keys. In the caller's transaction."""
    for reader in _told(case):
        with translation.override(reader.language):
            number = case.recommended_keys or 0
            recommended = ngettext(
                "We recommend %(number)s key.", "We recommend %(number)s keys.", number
            )
            letter = Letter(
                subject=_("Your sale on %(date)s: the answer") % {"date": _day(case)},
                paragraphs=(
                    _("We have looked at your figures for %(store)s.") % {"store": case.store.name},
                    recommended % {"number": number},
                    _("Our reasons are on the page, and a button that adds the keys."),
                ),
                action_label=_("See the answer"),
                action_url=_page(case),
            )
        send_letter(letter, to=reader.email, language=reader.language)


def tell_of_a_message(*, case: Case) -> None:
    """Write that staff ask or say something. In the caller's transaction."""
    for reader in _told(case):
        with translation.override(reader.language):
            letter = Letter(
                subject=_("Your sale on %(date)s: a message") % {"date": _day(case)},
                paragraphs=(
                    _("%(operator)s has written to you about the sale of %(store)s.")
                    % {"operator": settings.OPERATOR["name"], "store": case.store.name},
                ),
                action_label=_("Read the message"),
                action_url=_page(case),
            )
        send_letter(letter, to=reader.email, language=reader.language)


def tell_staff(*, case: Case) -> None:
    """Write that a merchant waits for an answer. In the caller's transaction.

    To those of staff who may answer and want to be told; it says which store, never what it sells.
    """
    for reader in staff_readers(NotificationChoice.Topic.CASES):
        if not reader.has_perm(MAY_ANSWER):
            continue
        with translation.override(reader.language):
            letter = Letter(
                subject=_("%(store)s asks about a sale") % {"store": case.store.name},
                paragraphs=(
                    _("%(store)s expects a sale on %(date)s and asks how many keys it needs.")
                    % {"store": case.store.name, "date": _day(case)},
                    _("We promised to answer by %(date)s.")
                    % {"date": date_format(timezone.localtime(case.reply_by), "DATETIME_FORMAT")},
                ),
                action_label=_("See the figures"),
                action_url=absolute_url(reverse("staff-case", args=[case.pk])),
            )
        send_letter(letter, to=reader.email, language=reader.language)


def language_of(case: Case) -> str:
    """The language in which staff's reply is read."""
    readers = _readers(case)
    return readers[0].language if readers else settings.LANGUAGE_CODE


def _told(case: Case) -> list[User]:
    """Those of the readers who want to be told."""
    return [
        each for each in _readers(case) if wants(user=each, topic=NotificationChoice.Topic.CASES)
    ]


def _readers(case: Case) -> list[User]:
    """Who asked; the owners once that person acts for the merchant no more."""
    members = Member.objects.filter(merchant=case.store.merchant_id, user__is_active=True)
    asked = [each.user for each in members.filter(user=case.opened_by_id).select_related("user")]
    if asked:
        return asked
    owners = members.filter(role=Member.Role.OWNER).select_related("user").order_by("pk")
    return [each.user for each in owners]


def _day(case: Case) -> str:
    return date_format(case.sale_on, "DATE_FORMAT")


def _page(case: Case) -> str:
    return absolute_url(reverse("case", args=[case.store_id, case.pk]))
