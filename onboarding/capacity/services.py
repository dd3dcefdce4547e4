"""Opening an investigation, messages, staff's answer, and what really happened."""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from onboarding.capacity.planner import Estimate, SaleFigures
from onboarding.capacity.usage import measured_peaks
from onboarding.models import Case, CaseMessage, Store, User
from onboarding.notices.letters import Letter, absolute_url, send_letter

# When an answer is promised by.
REPLY_WITHIN = timedelta(days=2)
# A sale counts as over when this has passed after its day.
OVER_AFTER = timedelta(days=1)

State = Case.State


def open_case(
    *,
    store: Store,
    user: User,
    sale_on: date,
    figures: SaleFigures,
    planned: Estimate,
    text: str = "",
) -> Case:
    """Ask staff how many keys a sale needs; the same sale asked twice is one case.

    Args:
        store: whose sale.
        user: who asks.
        sale_on: the day.
        figures: what the merchant expects.
        planned: what the planner made of it.
        text: what the merchant adds in words.

    Returns:
        The case, the running one if there is one for that day.
    """
    try:
        with transaction.atomic():
            case = Case.objects.create(
                store=store,
                opened_by=user,
                sale_on=sale_on,
                figures={
                    "visitors": figures.visitors,
                    "orders": figures.orders,
                    "app_percent": figures.app_percent,
                },
                estimate=planned.as_json(),
                reply_by=timezone.now() + REPLY_WITHIN,
            )
    except IntegrityError:
        case = Case.objects.exclude(state=State.CLOSED).get(store=store, sale_on=sale_on)
        if not text:
            return case
    if text:
        add_message(case=case, author=user, text=text)
    return case


def add_message(*, case: Case, author: User, text: str, is_from_staff: bool = False) -> CaseMessage:
    """Add a message; one of staff's is also mailed to the merchant."""
    with transaction.atomic():
        message = CaseMessage.objects.create(
            case=case, author=author, text=text, is_from_staff=is_from_staff
        )
        if is_from_staff:
            _tell(case, text=text)
    return message


def answer_case(*, case: Case, staff: User, recommended_keys: int, text: str) -> bool:
    """Answer with a number of keys; a case that is closed stays as it is.

    Args:
        case: is brought up to date.
        staff: who answers.
        recommended_keys: how many keys the store should have for the sale, at least 1.
        text: why, in words for the merchant.

    Returns:
        Whether the case took the answer.
    """
    now = timezone.now()
    with transaction.atomic():
        if (
            not Case.objects.filter(pk=case.pk)
            .exclude(state=State.CLOSED)
            .update(state=State.ANSWERED, recommended_keys=recommended_keys, answered_at=now)
        ):
            return False
        case.refresh_from_db()
        add_message(case=case, author=staff, text=text, is_from_staff=True)
    return True


def close_past_cases(*, now: datetime) -> int:
    """Close the cases whose sale is over, with what was measured; for a duty."""
    over = Case.objects.exclude(state=State.CLOSED).filter(
        sale_on__lt=timezone.localdate(now - OVER_AFTER)
    )
    done = 0
    for case in over.select_related("store")[:100]:
        began = timezone.make_aware(datetime.combine(case.sale_on, datetime.min.time()))
        measured = measured_peaks(store=case.store, since=began)
        done += (
            Case.objects.filter(pk=case.pk)
            .exclude(state=State.CLOSED)
            .update(
                state=State.CLOSED,
                closed_at=now,
                measured=[[seconds, requests] for seconds, requests in measured.items()],
            )
        )
    return done


def _tell(case: Case, *, text: str) -> None:
    reader = case.opened_by
    if reader is None:
        return
    with translation.override(reader.language):
        letter = Letter(
            subject=_("An answer about your sale"),
            paragraphs=tuple(part for part in text.splitlines() if part.strip()),
            action_label=_("See the answer"),
            action_url=absolute_url(reverse("case", args=[case.store_id, case.pk])),
        )
    send_letter(letter, to=reader.email, language=reader.language)
