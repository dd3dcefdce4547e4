"""The vendor's request limits: what is known of them as data, and the headers that report them.

Every C-Series answer carries three headers of three slash-joined integers, for the windows of
5 minutes, an hour and a day (LIGHTSPEED.md section 2, from live answers):

    X-RateLimit-Limit:     300/3000/12000
    X-RateLimit-Remaining: 299/2999/11999      (-1 while that window blocks the key)
    X-RateLimit-Reset:     263/2063/23663      (seconds left)

Shops were seen with other limits, so the header wins over the figures here. The limit of 20
requests a second has no header.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from lightspeed import wire

LIMIT_HEADER = "X-RateLimit-Limit"
REMAINING_HEADER = "X-RateLimit-Remaining"
RESET_HEADER = "X-RateLimit-Reset"

#: The windows that the headers report, in their order.
REPORTED_WINDOWS_SECONDS: tuple[int, ...] = (300, 3600, 86400)
_RESOURCE_NAMES = ("limit5Min", "limitHour", "limitDay")

#: The waiting time after a 429 that tells nothing: the shortest reported window. Inferred.
RETRY_UNKNOWN_SECONDS = 300
#: The waiting time after a 429 whose three windows all have room: the limit per second. Inferred.
RETRY_PER_SECOND_LIMIT_SECONDS = 1
#: No waiting time is longer than the longest window.
RETRY_LONGEST_SECONDS = 86400

_THREE_INTEGERS = re.compile(r"\s*(-?[0-9]{1,9})\s*/\s*(-?[0-9]{1,9})\s*/\s*(-?[0-9]{1,9})\s*")
_SECONDS = re.compile(r"\s*[0-9]{1,9}\s*")


@dataclass(frozen=True, slots=True)
class WindowLimit:
    """One limit of one key: `limit` requests in `seconds`."""

    seconds: int
    limit: int


#: What a key has unless its answers say otherwise. 20 a second since 22 Nov 2021 [D]; the rest
#: from the operator's help article (LIGHTSPEED.md section 2, source JM).
DEFAULT_LIMITS: tuple[WindowLimit, ...] = (
    WindowLimit(seconds=1, limit=20),
    WindowLimit(seconds=300, limit=300),
    WindowLimit(seconds=3600, limit=3000),
    WindowLimit(seconds=86400, limit=12000),
)


@dataclass(frozen=True, slots=True)
class WindowReading:
    """What one answer told about one window; None where it told nothing usable.

    Attributes:
        seconds: length of the window.
        limit: requests allowed in it, at least 1.
        remaining: requests left, never below 0 (the vendor's -1 reads as 0).
        reset_seconds: seconds until it starts afresh, from 0 to `seconds`.
    """

    seconds: int
    limit: int | None
    remaining: int | None
    reset_seconds: int | None


def read_rate_limit_headers(
    *, limit: str | None, remaining: str | None, reset: str | None
) -> tuple[WindowReading, ...]:
    """Read the three headers as they stood on the wire.

    Args:
        limit: value of `X-RateLimit-Limit`, or None when absent; likewise the other two.
        remaining: value of `X-RateLimit-Remaining`.
        reset: value of `X-RateLimit-Reset`.

    Returns:
        One reading per reported window, shortest first. A header that is not three integers
        counts as absent; when all three are, the result is empty.
    """
    limits, left, resets = _integers(limit), _integers(remaining), _integers(reset)
    if limits is left is resets is None:
        return ()
    nothing = (None,) * len(REPORTED_WINDOWS_SECONDS)
    rows = zip(
        REPORTED_WINDOWS_SECONDS, limits or nothing, left or nothing, resets or nothing, strict=True
    )
    return tuple(
        window_reading(seconds=seconds, limit=most, remaining=rest, reset_seconds=until)
        for seconds, most, rest, until in rows
    )


def read_headers(headers: Mapping[str, str]) -> tuple[WindowReading, ...]:
    """Read the three headers out of an answer's headers; see `read_rate_limit_headers`."""
    return read_rate_limit_headers(
        limit=headers.get(LIMIT_HEADER),
        remaining=headers.get(REMAINING_HEADER),
        reset=headers.get(RESET_HEADER),
    )


def read_ratelimit_resource(fields: Mapping[str, object]) -> tuple[WindowReading, ...] | None:
    """Read the object under `accountRatelimit`.

    Args:
        fields: `limit5Min`, `limitHour`, `limitDay`, each with `limit`, `remaining`, `reset`.
            `resetTime` repeats `reset` as a date and is not read.

    Returns:
        One reading per reported window, shortest first; None when no window is there.

    Source: LIGHTSPEED.md section 3, `GET /{lang}/account/ratelimit.json`.
    """
    windows = [wire.child(fields, name) for name in _RESOURCE_NAMES]
    if not any(windows):
        return None
    return tuple(
        window_reading(
            seconds=seconds,
            limit=wire.whole_number((window or {}).get("limit")),
            remaining=wire.whole_number((window or {}).get("remaining")),
            reset_seconds=wire.whole_number((window or {}).get("reset")),
        )
        for seconds, window in zip(REPORTED_WINDOWS_SECONDS, windows, strict=True)
    )


def window_reading(
    *, seconds: int, limit: int | None, remaining: int | None, reset_seconds: int | None
) -> WindowReading:
    """Build a reading from raw figures, brought into the ranges that `WindowReading` promises."""
    return WindowReading(
        seconds=seconds,
        limit=limit if limit is not None and limit > 0 else None,
        remaining=None if remaining is None else max(remaining, 0),
        reset_seconds=None if reset_seconds is None else min(max(reset_seconds, 0), seconds),
    )


def retry_after_seconds(
    *, readings: tuple[WindowReading, ...], retry_after: str | None, now: datetime
) -> int:
    """Work out how long to wait after a 429.

    Args:
        readings: the windows that the answer showed. The exhausted ones decide: that is the one
            thing that the vendor is known to send.
        retry_after: value of `Retry-After`, if any. Unproven, so it comes second; seconds or date.
        now: aware; what a date is compared with.

    Returns:
        Whole seconds, from 1 to `RETRY_LONGEST_SECONDS`.
    """
    exhausted = [
        reading.reset_seconds
        for reading in readings
        if reading.remaining == 0 and reading.reset_seconds is not None
    ]
    stated = _stated_wait(retry_after=retry_after, now=now)
    if exhausted:
        wait = max(exhausted)
    elif stated is not None:
        wait = stated
    elif any(reading.remaining for reading in readings):
        wait = RETRY_PER_SECOND_LIMIT_SECONDS
    else:
        wait = RETRY_UNKNOWN_SECONDS
    return min(max(wait, 1), RETRY_LONGEST_SECONDS)


def _integers(value: str | None) -> tuple[int, ...] | None:
    found = _THREE_INTEGERS.fullmatch(value) if value is not None else None
    return tuple(int(part) for part in found.groups()) if found else None


def _stated_wait(*, retry_after: str | None, now: datetime) -> int | None:
    if retry_after is None:
        return None
    if _SECONDS.fullmatch(retry_after):
        return int(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        return None
    return round((moment - now).total_seconds())
