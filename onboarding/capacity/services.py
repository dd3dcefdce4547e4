"""An investigation from the question to what really happened.

merchant                         staff
open_case ──────────────────►  OPEN
                               answer_case ──► ANSWERED   (a number, and why)
                               write_to_merchant ► ASKED  (a question)
write_to_staff ─────────────►  OPEN again
withdraw_case ──────────────►  CLOSED
                               close_case ───► CLOSED     (what really happened)

Each is one transaction on the locked row of the case, so that two tabs, or a merchant and staff at
the same moment, take turns. The entry in the record and the mails, to staff when it is their turn
and to the merchant when it is theirs, go out with the commit.
"""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from keyvault.audit import SYSTEM, Action, Actor, record
from onboarding.capacity import letters
from onboarding.capacity.planner import Estimate, Factors, SaleFigures
from onboarding.capacity.times import reply_by
from onboarding.capacity.usage import current_day, measured_peaks
from onboarding.errors import CaseClosedError, TooManyCasesError
from onboarding.models import Case, CaseMessage, Store, User
from onboarding.people.selectors import actor_for

# Questions about so many different days at once are a mistake, or mischief.
MOST_RUNNING = 10
# A case that nobody closed closes by itself so long after the sale.
CLOSED_AFTER = timedelta(days=14)
# How many a run of the duty closes.
AT_ONCE = 100

State = Case.State


@transaction.atomic
def open_case(
    *,
    store: Store,
    user: User,
    sale_on: date,
    figures: SaleFigures,
    factors: Factors,
    planned: Estimate,
    text: str = "",
    form_id: UUID | None = None,
) -> Case:
    """Ask staff how many keys a sale needs; the same sale asked twice is one case.

    Other figures for a day that is being asked about take the place of the old ones, and staff look
    again. Takes the store's lock, then the case's.

    Args:
        store: whose sale.
        user: who asks.
        sale_on: the day.
        figures: what the merchant expects.
        factors: what was assumed of the traffic.
        planned: what the planner made of it.
        text: what the merchant adds in words, at most 5,000 characters.
        form_id: of the form that was sent; the same form sent again adds no second message.

    Returns:
        The case, the running one if there is one for that day.

    Raises:
        TooManyCasesError: `MOST_RUNNING` other days are being asked about; close one first.
    """
    reckoned: dict[str, object] = {
        "figures": asdict(figures),
        "factors": factors.as_json(),
        "estimate": planned.as_json(),
    }
    case, is_new = _made(store=store, user=user, sale_on=sale_on, reckoned=reckoned)
    if is_new:
        _record(case, action=Action.CASE_OPENED, actor=actor_for(user))
        letters.tell_staff(case=case)
    elif case.figures != reckoned["figures"]:
        for name, value in reckoned.items():
            setattr(case, name, value)
        _reopen(case)
        _record(case, action=Action.CASE_CHANGED, actor=actor_for(user))
    if text:
        _add(case=case, author=user, text=text, is_from_staff=False, form_id=form_id)
    return case


@transaction.atomic
def write_to_staff(*, case: Case, user: User, text: str, form_id: UUID | None) -> None:
    """Add a merchant's message; it is staff's turn again.

    Args:
        case: is brought up to date.
        user: who writes.
        text: at most 5,000 characters, and no key in it.
        form_id: the same form sent again changes nothing.

    Raises:
        CaseClosedError: it was closed meanwhile; plan the sale anew.
    """
    _lock(case)
    if _add(case=case, author=user, text=text, is_from_staff=False, form_id=form_id):
        _reopen(case)
        _record(case, action=Action.CASE_WRITTEN, actor=actor_for(user), is_from_staff=False)


@transaction.atomic
def write_to_merchant(*, case: Case, staff: User, text: str, form_id: UUID | None) -> None:
    """Add staff's message; it is the merchant's turn, who is told by mail.

    An answer that was given stands.

    Args:
        case: is brought up to date.
        staff: who writes.
        text: at most 5,000 characters.
        form_id: the same form sent again changes nothing.

    Raises:
        CaseClosedError: it was closed meanwhile.
    """
    _lock(case)
    if _add(case=case, author=staff, text=text, is_from_staff=True, form_id=form_id):
        case.state = State.ANSWERED if case.recommended_keys else State.ASKED
        case.save(update_fields=["state"])
        _record(case, action=Action.CASE_WRITTEN, actor=actor_for(staff), is_from_staff=True)
        letters.tell_of_a_message(case=case)


@transaction.atomic
def answer_case(
    *, case: Case, staff: User, recommended_keys: int, text: str, form_id: UUID | None = None
) -> None:
    """Answer with a number of keys; a later answer takes the place of an earlier one.

    Args:
        case: is brought up to date.
        staff: who answers.
        recommended_keys: how many keys the store should have for the sale, at least 1.
        text: why, in words for the merchant.
        form_id: the same form sent again changes nothing.

    Raises:
        CaseClosedError: it was closed meanwhile.
    """
    _lock(case)
    if not _add(case=case, author=staff, text=text, is_from_staff=True, form_id=form_id):
        return
    case.state = State.ANSWERED
    case.recommended_keys = recommended_keys
    case.answered_at = timezone.now()
    case.save(update_fields=["state", "recommended_keys", "answered_at"])
    _record(case, action=Action.CASE_ANSWERED, actor=actor_for(staff), keys=recommended_keys)
    letters.tell_the_answer(case=case)


@transaction.atomic
def close_case(
    *,
    case: Case,
    actor: Actor,
    outcome: str,
    visitors: int | None = None,
    orders: int | None = None,
    note: str = "",
) -> None:
    """Close a case with what really happened; what was measured on the day is kept with it.

    Args:
        case: is brought up to date.
        actor: who closes it.
        outcome: a value of Case.Outcome.
        visitors: how many came, as far as the merchant told.
        orders: likewise.
        note: what to remember for the next sale; the merchant reads it.

    Raises:
        CaseClosedError: it is closed already.
    """
    _lock(case)
    case.outcome = outcome
    case.actual_visitors = visitors
    case.actual_orders = orders
    case.closing_note = note
    _close(case, actor=actor, now=timezone.now())


@transaction.atomic
def withdraw_case(*, case: Case, user: User) -> None:
    """Take the question back; harmless when it is closed already."""
    try:
        _lock(case)
    except CaseClosedError:
        return
    case.outcome = Case.Outcome.WITHDRAWN
    _close(case, actor=actor_for(user), now=timezone.now())


def close_past_cases(*, now: datetime) -> int:
    """Close the cases that nobody closed in the weeks after the sale; for a duty.

    Args:
        now: the present.

    Returns:
        How many were closed.
    """
    last_day = current_day(now) - CLOSED_AFTER
    over = Case.objects.exclude(state=State.CLOSED).filter(sale_on__lt=last_day)
    with transaction.atomic():
        cases = list(
            over.select_for_update(of=("self",), no_key=True).select_related("store")[:AT_ONCE]
        )
        for case in cases:
            _close(case, actor=SYSTEM, now=now)
    return len(cases)


def _made(
    *, store: Store, user: User, sale_on: date, reckoned: dict[str, object]
) -> tuple[Case, bool]:
    """The running case of that day, locked, or a new one; and whether it is new."""
    # Two tabs that ask at once take turns.
    Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    running = Case.objects.exclude(state=State.CLOSED).filter(store=store)
    if found := running.filter(sale_on=sale_on).select_for_update(no_key=True).first():
        return found, False
    if running.count() >= MOST_RUNNING:
        raise TooManyCasesError
    made = Case.objects.create(
        store=store,
        opened_by=user,
        sale_on=sale_on,
        reply_by=reply_by(timezone.localtime()),
        **reckoned,
    )
    return made, True


def _lock(case: Case) -> None:
    """Lock the row until the transaction ends, and bring `case` up to date."""
    Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    case.refresh_from_db(
        fields=["state", "recommended_keys", "figures", "factors", "estimate", "reply_by"]
    )
    if case.state == State.CLOSED:
        raise CaseClosedError


def _add(*, case: Case, author: User, text: str, is_from_staff: bool, form_id: UUID | None) -> bool:
    """Add a message to a locked case; False when this very form was sent before."""
    if form_id is not None and case.messages.filter(form_id=form_id).exists():
        return False
    CaseMessage.objects.create(
        case=case, author=author, text=text, is_from_staff=is_from_staff, form_id=form_id
    )
    return True


def _reopen(case: Case) -> None:
    """Give the case back to staff; who has waited already does not wait longer."""
    is_their_turn_again = case.state != State.OPEN
    if is_their_turn_again:
        case.reply_by = reply_by(timezone.localtime())
    case.state = State.OPEN
    case.save(update_fields=["state", "reply_by", "figures", "factors", "estimate"])
    if is_their_turn_again:
        letters.tell_staff(case=case)


def _close(case: Case, *, actor: Actor, now: datetime) -> None:
    peaks = measured_peaks(store=case.store, since=case.sale_on, until=case.sale_on)
    case.measured = [[seconds, point.requests] for seconds, point in peaks.items()]
    case.state = State.CLOSED
    case.closed_at = now
    case.save()
    _record(case, action=Action.CASE_CLOSED, actor=actor, outcome=str(case.outcome))


def _record(case: Case, *, action: Action, actor: Actor, **facts: str | int) -> None:
    """What happened to the case, on its store's record; neither texts nor figures of the shop."""
    record(
        action=action,
        actor=actor,
        keychain_id=case.store_id,
        subject=f"case:{case.pk}",
        facts=facts,
    )
