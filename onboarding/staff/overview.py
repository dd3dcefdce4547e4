"""A store at a glance: its keys with what is left of their windows, its last checks, its notes."""

from dataclasses import dataclass

from keyvault.models import Credential
from keyvault.pool import WindowBudget, budgets
from keyvault.vault import short_fingerprint
from onboarding.models import Store, StoreNote, Verification
from onboarding.staff.key_states import STATE_TAGS
from onboarding.staff.outcome_words import outcome_words

LAST_CHECKS = 20
LAST_NOTES = 10
# Keys that are gone are shown behind those that work, and not all of them.
MOST_KEYS = 100


@dataclass(frozen=True, slots=True)
class KeyLine:
    """One key of the store; never its secret."""

    credential: Credential
    fingerprint: str
    kind: str
    state: str
    budgets: tuple[WindowBudget, ...]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check: what Lightspeed answered."""

    pk: int
    at: object
    words: str
    status: int | None
    credential: Credential | None


@dataclass(frozen=True, slots=True)
class Overview:
    """What staff see of a store besides its own row."""

    keys: tuple[KeyLine, ...]
    checks: tuple[CheckLine, ...]
    notes: tuple[StoreNote, ...]
    has_more_notes: bool


def store_overview(store: Store) -> Overview:
    """The store at a glance; four queries, whatever it holds."""
    rows = Credential.objects.filter(keychain=store.pk).defer("sealed")
    keys = list(rows.order_by("state", "created_at", "pk")[:MOST_KEYS])
    left = budgets(credential_ids=[key.pk for key in keys])
    notes = StoreNote.objects.filter(store=store).select_related("author").order_by("-at", "-pk")
    newest = list(notes[: LAST_NOTES + 1])
    checks = Verification.objects.filter(store=store).select_related("credential")
    return Overview(
        keys=tuple(
            KeyLine(
                credential=key,
                fingerprint=short_fingerprint(key.fingerprint),
                kind=STATE_TAGS[Credential.State(key.state)][0],
                state=str(STATE_TAGS[Credential.State(key.state)][1]),
                budgets=tuple(left.get(key.pk, ())),
            )
            for key in keys
        ),
        checks=tuple(
            CheckLine(
                pk=check.pk,
                at=check.at,
                words=outcome_words(check.outcome),
                status=check.status,
                credential=check.credential,
            )
            for check in checks.defer("credential__sealed").order_by("-at", "pk")[:LAST_CHECKS]
        ),
        notes=tuple(newest[:LAST_NOTES]),
        has_more_notes=len(newest) > LAST_NOTES,
    )
