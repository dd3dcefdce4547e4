"""The audit record in the words of a shopkeeper."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, F, Model, QuerySet, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from keyvault.audit import Action, entries_without_loans
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
    Action.CASE_OPENED: gettext_lazy("Our staff were asked about a sale"),
    Action.CASE_CHANGED: gettext_lazy("The figures of a sale were changed"),
    Action.CASE_WRITTEN: gettext_lazy("Somebody wrote about a sale"),
    Action.CASE_ANSWERED: gettext_lazy("Our staff answered about a sale"),
    Action.CASE_CLOSED: gettext_lazy("The question about a sale was closed"),
    Action.GLASS_ASKED: gettext_lazy("Our staff asked to open a key in an emergency"),
    Action.GLASS_APPROVED: gettext_lazy("A second person of our staff agreed to open a key"),
    Action.GLASS_DENIED: gettext_lazy("A second person of our staff refused to open a key"),
    Action.GLASS_WITHDRAWN: gettext_lazy("Our staff took back their request to open a key"),
    Action.GLASS_BROKEN: gettext_lazy("Our staff opened a key in an emergency"),
    Action.STORE_SHOWN: gettext_lazy("Our staff looked at your pages"),
    Action.RECORD_EXPORTED: gettext_lazy("The record was downloaded"),
}


_STAFF = "staff"
# What the record names by a kind and an id, and the two columns that say what people call it.
_NAMED: dict[str, tuple[type[Model], str, Combinable]] = {
    "person": (User, "email", Case(When(is_staff=True, then=Value(_STAFF)), default=Value(""))),
    "backend": (Backend, "name", Value("")),
    "credential": (Credential, "name", F("last_four")),
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

    One query; one more when it names somebody or something that the caller does not know already.

    Args:
        store: whose record.
        limit: how many lines.
        viewer: who looks, whose name is known.
        keys: the store's keys, if they have been read already.
    """
    found = entries_without_loans(keychain_id=store.pk)
    entries = list(found.filter(action__in=[str(each) for each in SENTENCES])[:limit])
    known = {f"person:{viewer.pk}": viewer.email}
    known |= {f"credential:{line.credential.pk}": str(line.credential) for line in keys}
    asked = {name for entry in entries for name in (entry.actor, entry.subject)}
    words = known | _words_for(asked - known.keys())
    return [
        ActivityLine(
            at=entry.at,
            what=str(SENTENCES[Action(entry.action)]),
            which=words.get(entry.subject, ""),
            who=words.get(entry.actor, _("Latchkey")),
        )
        for entry in entries
    ]


def _words_for(names: set[str]) -> dict[str, str]:
    """What people call the persons, backends and keys of the record. One query at most."""
    guests = {name for name in names if name.startswith("person:hand-over-")}
    words = dict.fromkeys(guests, _("a guest, by a link"))
    asked = {_bare(name): name for name in names - guests}
    rows = [each for kind in _NAMED if (each := _rows_named(kind, asked.values())) is not None]
    if not rows:
        return words
    for kind, key, name, tail in rows[0].union(*rows[1:], all=True):
        words[asked[_bare(f"{kind}:{key}")]] = _label(kind, name=name, tail=tail)
    return words


def _label(kind: str, *, name: str, tail: str) -> str:
    """A key bears its last four; the operator's people stand for the operator."""
    if kind == "credential":
        return str(Credential(name=name, last_four=tail))
    return str(settings.OPERATOR["name"]) if tail == _STAFF else name


def _rows_named(kind: str, names: Iterable[str]) -> QuerySet[Any, Any] | None:
    """The rows of one kind among names as "kind:id"; None when there is none."""
    ids = [key for each, _, key in (name.partition(":") for name in names) if each == kind]
    if not ids:
        return None
    model, name, tail = _NAMED[kind]
    rows: QuerySet[Any] = model._default_manager.filter(pk__in=ids)  # noqa: SLF001  # Django's own door
    rows = rows.order_by().annotate(
        row_kind=Value(kind), row_key=Cast("pk", TextField()), row_name=F(name), row_tail=tail
    )
    return rows.values_list("row_kind", "row_key", "row_name", "row_tail")


def _bare(name: str) -> str:
    """An id without its dashes: one database writes them, the other does not."""
    return name.replace("-", "")
