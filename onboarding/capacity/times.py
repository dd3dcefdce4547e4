"""By when staff answer: working days, because nobody looks at figures on a Sunday."""

from datetime import datetime, timedelta

REPLY_WITHIN_WORKING_DAYS = 2
_SATURDAY = 5


def reply_by(now: datetime) -> datetime:
    """The moment by which an answer is promised.

    Args:
        now: when it was asked, in the site's time zone.

    Returns:
        The same time of day, `REPLY_WITHIN_WORKING_DAYS` later.
    """
    moment = now
    left = REPLY_WITHIN_WORKING_DAYS
    while left:
        moment += timedelta(days=1)
        if moment.weekday() < _SATURDAY:
            left -= 1
    return moment
