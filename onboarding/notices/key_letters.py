"""What a merchant is told of keys that ail, and of their recovery."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keyvault.models import Credential
from onboarding.models import Store
from onboarding.notices.letters import Letter, absolute_url


class Condition(StrEnum):
    """How a key stands."""

    WORKS = "works"
    LACKING = "lacking"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One key of which there is something to tell."""

    key: Credential
    condition: Condition
    before: Condition


def key_letter(
    *, store: Store, changes: Sequence[Change], is_broken: bool, language: str
) -> Letter:
    """Says what has changed about the keys of a store, the worst first, with one way to mend it.

    Args:
        store: whose keys they are.
        changes: one at least.
        is_broken: no key of the store works.
        language: the reader's.

    Returns:
        The letter; keys stand in it by name and last four characters.
    """
    with translation.override(language):
        facts = {"store": store.name, "app": store.app_name}
        by_condition = {
            condition: ", ".join(
                str(change.key) for change in changes if change.condition == condition
            )
            for condition in Condition
        }
        refused, lacking, works = (
            by_condition[each] for each in (Condition.REFUSED, Condition.LACKING, Condition.WORKS)
        )
        paragraphs: list[str] = []
        if refused:
            paragraphs += _of_refused(refused, is_broken=is_broken, facts=facts)
        if lacking:
            paragraphs += _of_lacking(lacking, facts=facts)
        if works:
            paragraphs.append(_("These keys work again: %(keys)s.") % {"keys": works})
        return Letter(
            subject=_subject(changes, is_broken=is_broken) % facts,
            paragraphs=tuple(paragraphs),
            action_label=_("See your keys"),
            action_url=absolute_url(reverse("store", args=[store.pk])),
            note=_("You can choose what we write to you about on your account's page."),
        )


def _subject(changes: Sequence[Change], *, is_broken: bool) -> str:
    conditions = [change.condition for change in changes]
    refused = conditions.count(Condition.REFUSED)
    if refused and is_broken:
        return _("%(app)s stands still: Lightspeed refuses its keys")
    if refused:
        return ngettext(
            "Lightspeed refuses a key of %(app)s", "Lightspeed refuses keys of %(app)s", refused
        )
    if Condition.LACKING in conditions:
        return _("A permission is missing for %(app)s")
    return _("%(app)s works again")


def _of_refused(keys: str, *, is_broken: bool, facts: dict[str, str]) -> list[str]:
    consequence = (
        _("No key of %(store)s works, so %(app)s gets no data.")
        if is_broken
        else _("%(app)s goes on with the other keys, and so with fewer requests.")
    )
    return [
        _("Lightspeed does not accept these keys: %(keys)s.") % {"keys": keys},
        consequence % facts,
        _("Was the key switched off or deleted in your Back Office? Switch it on, or replace it."),
    ]


def _of_lacking(keys: str, *, facts: dict[str, str]) -> list[str]:
    return [
        _("These keys lack a permission that %(app)s needs: %(keys)s.") % {**facts, "keys": keys},
        _("The page of your store names the box to tick in your Back Office."),
    ]
