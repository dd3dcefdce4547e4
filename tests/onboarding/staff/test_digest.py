"""Staff get what needs a hand in one mail, when they want it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core import mail

from keyvault.models import Alert
from keyvault.vault.tripwires import fire
from onboarding.models import StaffDigest, User
from onboarding.notices.preferences import Choice, Topic, save_choices
from onboarding.staff.digest import DIGESTS, next_time
from tests.onboarding.cast import person, staff_in, staff_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def night() -> datetime:
    """Three in the morning in Amsterdam, tomorrow: what was just fired is in the past."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return tomorrow.replace(hour=1, minute=30, second=0, microsecond=0)


def alarm(subject: str = "backend:1") -> None:
    fire(kind=Alert.Kind.DECRYPT_RATE, subject=subject, facts={})


def sent(start: datetime, *, hours: int) -> int:
    """Let a worker run every ten minutes; how many mails it wrote."""
    mail.outbox.clear()
    for step in range(hours * 6):
        DIGESTS.run(start + timedelta(minutes=10 * step))
    return len(mail.outbox)


def test_digest_comes_once_each_morning(night: datetime) -> None:
    staff = staff_member()
    alarm()
    assert sent(night, hours=5) == 0
    assert sent(night + timedelta(hours=5), hours=24) == 1
    (letter,) = mail.outbox
    assert letter.to == [staff.email]
    assert "1 tripwire fired" in letter.body
    assert "/staff/" in letter.body


def test_nothing_to_do_is_no_mail(night: datetime) -> None:
    staff_member()
    assert sent(night, hours=30) == 0


def test_every_hour_means_every_hour_that_has_news(night: datetime) -> None:
    staff = staff_member()
    save_choices(user=staff, choices={Topic.DIGEST: Choice.HOURLY})
    alarm()
    assert sent(night, hours=5) == 1
    alarm("backend:2")
    assert sent(night + timedelta(hours=5), hours=3) == 1


def test_who_wants_none_gets_none_and_a_change_of_mind_holds(night: datetime) -> None:
    staff = staff_member()
    alarm()
    save_choices(user=staff, choices={Topic.DIGEST: Choice.OFF})
    assert sent(night, hours=30) == 0
    save_choices(user=staff, choices={Topic.DIGEST: Choice.HOURLY})
    assert sent(night + timedelta(hours=30), hours=2) == 1


def test_stopping_holds_for_a_digest_that_is_due(night: datetime) -> None:
    staff = staff_member()
    alarm()
    DIGESTS.run(night)
    save_choices(user=staff, choices={Topic.DIGEST: Choice.OFF})
    assert sent(night, hours=30) == 0
    assert StaffDigest.objects.get().due_at is None


def test_only_who_may_see_the_queue_is_told_of_it(night: datetime) -> None:
    staff_in(None)
    person("owner")
    closed = staff_member("closed")
    User.objects.filter(pk=closed.pk).update(is_active=False)
    alarm()
    assert sent(night, hours=30) == 0
    staff_in("support")
    assert sent(night + timedelta(hours=30), hours=30) == 1


def test_morning_is_the_readers_own(night: datetime) -> None:
    staff = staff_member()
    staff.time_zone = "Asia/Tokyo"
    times = [night]
    for _ in range(3):
        times.append(next_time(staff, now=times[-1]))
    assert {each.astimezone(UTC).hour for each in times[1:]} == {23}
    assert all(later > sooner for sooner, later in pairwise(times))


def test_two_workers_write_once(night: datetime) -> None:
    staff_member()
    alarm()
    DIGESTS.run(night)
    mail.outbox.clear()
    morning = night + timedelta(hours=12)
    DIGESTS.run(morning)
    DIGESTS.run(morning)
    assert len(mail.outbox) == 1
