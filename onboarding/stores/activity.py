"""The audit record in the words of a shopkeeper."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keyvault.audit import Action, entries_for
from keyvault.models import Backend, Credential
from onboarding.models import Store, User
from onboarding.stores.selectors import KeyLine

# Loans are told as figures elsewhere; here they would bury what people did.
SENTENCES: dict[Action, Promise] = {
    Action.STORE_CREATED: gettext_lazy("The store was set up"),
    Action.STORE_CHANGED: gettext_lazy("The shop that the keys belong to was noted"),
    Action.DRAFT_SEALED: gettext_lazy("A key was pasted and sealed for its check"),
    Action.DRAFT_DELETED: gettext_lazy("A pasted key that was not stored was deleted"),
    Action.VERIFICATION_PASSED: gettext_lazy("A check with Lightspeed passed"),
    Action.VERIFICATION_FAILED: gettext_lazy("A check with Lightspeed did not pass"),
    Action.DUPLICATE_REFUSED: gettext_lazy("A key that is in use elsewhere was turned away"),
    Action.CREDENTIAL_SEALED: gettext_lazy("A key was stored"),
    Action.CREDENTIAL_PAUSED: gettext_lazy("A key was paused"),
    Action.CREDENTIAL_RESUMED: gettext_lazy("A key was resumed"),
    Action.CREDENTIAL_SUSPENDED: gettext_lazy("A key was stopped, because Lightspeed refused it"),
    Action.CREDENTIAL_RECOVERED: gettext_lazy("A key works again"),
    Action.CREDENTIAL_REPLACED: gettext_lazy("A key was replaced"),
    Action.CREDENTIAL_REVOKED: gettext_lazy("A key was removed and destroyed"),
    Action.CREDENTIAL_COOLED: gettext_lazy("A key rests, because Lightspeed asked us to wait"),
    Action.CREDENTIAL_QUARANTINED: gettext_lazy("A key could not be opened and was set aside"),
    Action.HAND_OVER_CREATED: gettext_lazy("A link for a guest was made"),
    Action.HAND_OVER_OPENED: gettext_lazy("A guest opened the link"),
    Action.HAND_OVER_ENDED: gettext_lazy("The guest's link ended"),
    Action.SCREEN_REPORTED: gettext_lazy("A picture of the Back Office was reported as wrong"),
    Action.MEMBER_ADDED: gettext_lazy("Somebody was given access"),
    Action.MEMBER_CHANGED: gettext_lazy("Somebody's role was changed"),
    Action.MEMBER_REMOVED: gettext_lazy("Somebody's access was taken away"),
    Action.RECORD_EXPORTED: gettext_lazy("The record was downloaded"),
}


@dataclass(frozen=True, slots=True)
class ActivityLine:
    """One thing that happened.

    Attributes:
        at: when.
        what: a sentence.
        which: the key that it was done to, "APP mobile …1a2b"; empty when none or gone.
        who: a person's address, a backend's name, or who else it was.
    """

    at: datetime
    what: str
    which: str
    who: str


def recent_activity(
    *, store: Store, limit: int, viewer: User, keys: Iterable[KeyLine] = ()
) -> list[ActivityLine]:
    """The last things that people and programs did with the store's keys.

    One query; one more each for people, backends and keys that the caller does not know already.

    Args:
        store: whose record.
        limit: how many lines.
        viewer: who looks, whose name is known.
        keys: the store's keys, if they have been read already.
    """
    entries = list(
        entries_for(keychain_id=store.pk).filter(action__in=[str(each) for each in SENTENCES])[
            :limit
        ]
    )
    names = {f"person:{viewer.pk}": viewer.email}
    names |= _names_of({entry.actor for entry in entries} - names.keys())
    labels = {f"credential:{line.credential.pk}": str(line.credential) for line in keys}
    labels |= _keys_of({entry.subject for entry in entries} - labels.keys())
    return [
        ActivityLine(
            at=entry.at,
            what=str(SENTENCES[Action(entry.action)]),
            which=labels.get(entry.subject, ""),
            who=names.get(entry.actor, _("Latchkey")),
        )
        for entry in entries
    ]


def _names_of(actors: set[str]) -> dict[str, str]:
    guests = {name for name in actors if name.startswith("person:hand-over-")}
    people = [
        name.removeprefix("person:") for name in actors - guests if name.startswith("person:")
    ]
    backends = [name.removeprefix("backend:") for name in actors if name.startswith("backend:")]
    names = dict.fromkeys(guests, _("a guest, by a link"))
    if people:
        found = User.objects.filter(pk__in=people).values_list("pk", "email")
        names |= {f"person:{pk}": email for pk, email in found}
    if backends:
        named = Backend.objects.filter(pk__in=backends).values_list("pk", "name")
        names |= {f"backend:{pk}": name for pk, name in named}
    return names


def _keys_of(subjects: Iterable[str]) -> dict[str, str]:
    ids = {
        subject.removeprefix("credential:")
        for subject in subjects
        if subject.startswith("credential:")
    }
    if not ids:
        return {}
    return {f"credential:{key.pk}": str(key) for key in Credential.objects.filter(pk__in=ids)}
