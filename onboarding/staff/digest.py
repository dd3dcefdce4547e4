"""The digest: what needs a hand, as one mail a day or an hour to each of staff who wants it."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from keyvault.due import Duty, claim, finish
from onboarding.models import StaffDigest, User
from onboarding.notices.letters import Letter, absolute_url, send_letter
from onboarding.notices.preferences import Choice, Topic, choices_of, staff_readers
from onboarding.staff.queue import Pile, work_queue

CLAIM_SECONDS = 60
AT_ONCE = 20
# On the reader's own clock.
MORNING_HOUR = 8
# A person without a role sees none of it, and so is told none of it.
PERMISSION = "keyvault.view_credential"


def send_digests(now: datetime) -> int:
    """Writes the digests that are due; whoever is new gets their first at the next full time.

    Returns:
        How many people were served.
    """
    _enrol(now)
    rows = StaffDigest.objects.select_related("user")
    digests = claim(rows, now=now, claim_seconds=CLAIM_SECONDS, limit=AT_ONCE)
    for digest in digests:
        _serve(digest, now=now)
    return len(digests)


def _enrol(now: datetime) -> None:
    """Gives everybody a row who wants a digest; a choice that changed moves its next time."""
    known = {row.user_id: row for row in StaffDigest.objects.all()}
    for reader in staff_readers(Topic.DIGEST):
        due_at = next_time(reader, now=now)
        row = known.get(reader.pk)
        if row is None:
            StaffDigest.objects.get_or_create(user=reader, defaults={"due_at": due_at})
        elif row.due_at is None or (row.due_at > now and row.due_at != due_at):
            unclaimed = StaffDigest.objects.filter(pk=row.pk, fence=row.fence)
            unclaimed.update(due_at=due_at)


def next_time(reader: User, *, now: datetime) -> datetime:
    """When somebody's next digest is due: the next full hour, or their next morning."""
    if choices_of(reader)[Topic.DIGEST] == Choice.HOURLY:
        return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    local = now.astimezone(ZoneInfo(reader.time_zone))
    morning = local.replace(hour=MORNING_HOUR, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)


def _serve(digest: StaffDigest, *, now: datetime) -> None:
    reader = digest.user
    choice = choices_of(reader).get(Topic.DIGEST, Choice.OFF)
    if choice == Choice.OFF or not (reader.is_active and reader.has_perm(PERMISSION)):
        finish(digest, due_at=None, last="")
        return
    with translation.override(reader.language):
        piles = work_queue(now=now, user=reader)
        letter = digest_letter(piles)
    said = hashlib.sha256(repr([(pile.title, pile.kind) for pile in piles]).encode()).hexdigest()
    is_news = bool(piles) and not (choice == Choice.HOURLY and said == digest.last)
    with transaction.atomic():
        due_at = next_time(reader, now=now)
        if finish(digest, due_at=due_at, last=said) and is_news:
            send_letter(letter, to=reader.email, language=reader.language)


def digest_letter(piles: Sequence[Pile]) -> Letter:
    """The piles of the staff panel's first page as a letter, in the language that is active."""
    count = sum(pile.count for pile in piles)
    return Letter(
        subject=ngettext("%d thing needs a hand", "%d things need a hand", count) % count,
        paragraphs=tuple(f"{pile.title}. {pile.consequence}" for pile in piles),
        action_label=_("Open the queue"),
        action_url=absolute_url(reverse("admin:index")),
        note=_("You can choose how often you get this on your account's page."),
    )


DIGESTS = Duty(name="staff.digest", interval_seconds=60.0, run=send_digests)
