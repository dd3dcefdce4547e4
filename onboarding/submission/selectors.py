"""What the pages of a submission read."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from keyvault.models import Credential, Draft
from lightspeed.permissions import ALL_PERMISSIONS, Access, Group, Permission
from onboarding.errors import UnknownRecordError
from onboarding.models import HandOver, Store, Submission, Verification
from onboarding.walkthrough.back_office import BackOfficeWords
from onboarding.walkthrough.selectors import required_permissions

Cell = Literal["allowed", "missing", "unchecked", "not-needed"]


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One permission of the result table.

    Attributes:
        label: the group as the Back Office writes it.
        read: what was found; likewise `write`.
        read_box: group and column as the Back Office writes them; likewise `write_box`.
    """

    label: str
    read: Cell
    write: Cell
    read_box: str
    write_box: str


@dataclass(frozen=True, slots=True)
class HeldPair:
    """What a draft holds, as far as that may be shown.

    Attributes:
        has_key: whether it holds a key; likewise `has_secret`.
        last_four: the last four characters of the key.
    """

    has_key: bool = False
    has_secret: bool = False
    last_four: str = ""


def submission_for(
    *, store: Store, submission_id: UUID, hand_over: HandOver | None = None
) -> Submission:
    """One submission of a store that the caller may see.

    Args:
        store: a store that the caller may see.
        submission_id: which.
        hand_over: how a guest came in: sees only what was pasted by that same link.

    Raises:
        UnknownRecordError: no such submission for the caller.
    """
    found = (
        _visible(store=store, hand_over=hand_over)
        .select_related("store", "walkthrough", "credential")
        .filter(pk=submission_id)
        .first()
    )
    if found is None:
        raise UnknownRecordError
    return found


def posted_submission(
    *, store: Store, text: str, hand_over: HandOver | None = None
) -> Submission | None:
    """The store's open submission that a form names, if it names one. At most one query."""
    try:
        submission_id = UUID(text)
    except ValueError:
        return None
    return open_submissions(store=store, hand_over=hand_over).filter(pk=submission_id).first()


def open_submissions(*, store: Store, hand_over: HandOver | None = None) -> QuerySet[Submission]:
    """The pairs that are kept but not stored, the newest first; for a guest, the guest's own."""
    return (
        _visible(store=store, hand_over=hand_over)
        .filter(state__in=Submission.OPEN_STATES, expires_at__gt=timezone.now())
        .order_by("-created_at")
    )


def _visible(*, store: Store, hand_over: HandOver | None) -> QuerySet[Submission]:
    submissions = Submission.objects.filter(store=store)
    return submissions.filter(hand_over=hand_over) if hand_over else submissions


def replaced_key(*, store: Store, text: str) -> Credential | None:
    """The live key of the store that a page wants to replace, if it names one."""
    try:
        credential_id = UUID(text)
    except ValueError:
        return None
    return Credential.objects.filter(
        pk=credential_id,
        keychain_id=store.pk,
        kind=Credential.Kind.BASIC,
        state__in=Credential.LIVE_STATES,
    ).first()


def latest_verification(submission: Submission) -> Verification | None:
    """The last check of a submission."""
    return submission.verifications.order_by("-at", "-pk").first()


def held_pair(submission: Submission | None) -> HeldPair:
    """What the draft of a submission holds. One query."""
    if submission is None or submission.draft_id is None:
        return HeldPair()
    last_four = (
        Draft.objects.filter(pk=submission.draft_id).values_list("last_four", flat=True).first()
    )
    if last_four is None:
        return HeldPair()
    is_whole = submission.state != Submission.State.PARTIAL
    return HeldPair(
        has_key=is_whole or bool(last_four),
        has_secret=is_whole or not last_four,
        last_four=last_four,
    )


def same_key_here(submission: Submission) -> Credential | None:
    """The live credential of the store that has the submission's key. One query."""
    if submission.draft_id is None:
        return None
    fingerprints = Draft.objects.filter(pk=submission.draft_id).values("fingerprint")
    return Credential.objects.filter(
        keychain_id=submission.store_id,
        fingerprint__in=fingerprints,
        state__in=Credential.LIVE_STATES,
    ).first()


def result_rows(*, verification: Verification, words: BackOfficeWords) -> tuple[ResultRow, ...]:
    """The table of what a check found, in the Back Office's order."""
    return tuple(
        ResultRow(
            label=words.group(group),
            read=_cell(verification, Permission(group, Access.READ)),
            write=_cell(verification, Permission(group, Access.WRITE)),
            read_box=f"{words.group(group)} – {words.read}",  # noqa: RUF001  # as the page says it
            write_box=f"{words.group(group)} – {words.write}",  # noqa: RUF001  # likewise
        )
        for group in Group
    )


def granted_count(verification: Verification | None) -> int:
    """How many of the twelve boxes a check found ticked."""
    if verification is None:
        return 0
    return sum(_granted(verification, box) is True for box in ALL_PERMISSIONS)


def missing_boxes(*, verification: Verification, words: BackOfficeWords) -> list[str]:
    """The required boxes that are not ticked, as the Back Office writes them."""
    return [
        f"{words.group(box.group)} – {getattr(words, box.access)}"  # noqa: RUF001  # likewise
        for box in required_permissions()
        if _granted(verification, box) is False
    ]


def _cell(verification: Verification, box: Permission) -> Cell:
    granted = _granted(verification, box)
    if granted:
        return "allowed"
    if box not in required_permissions():
        return "not-needed"
    return "unchecked" if granted is None else "missing"


def _granted(verification: Verification, box: Permission) -> bool | None:
    answer: bool | None = verification.permissions.get(box.group.value, {}).get(box.access.value)
    return answer
