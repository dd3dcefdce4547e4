"""The vendor's request limits, as data."""

import re
from dataclasses import dataclass
from itertools import pairwise

FIVE_MINUTES_SECONDS = 300
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400

_LIMIT = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


class LimitsError(ValueError):
    """A list of limits that cannot be read; the message names the part."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` requests in each window of `seconds` seconds."""

    requests: int
    seconds: int


DEFAULT_LIMITS = (
    Limit(20, 1),
    Limit(300, FIVE_MINUTES_SECONDS),
    Limit(3_000, HOUR_SECONDS),
    Limit(12_000, DAY_SECONDS),
)


def parse_limits(text: str) -> tuple[Limit, ...]:
    """Read `20/1,300/300`: requests per seconds, one pair a window.

    Args:
        text: Comma-separated pairs of positive integers.

    Returns:
        The limits, shortest window first.

    Raises:
        LimitsError: A part is no pair, a number is zero, or two windows have one width.
    """
    limits = tuple(sorted((_parse_limit(part) for part in text.split(",")), key=_width))
    for shorter, longer in pairwise(limits):
        if shorter.seconds == longer.seconds:
            message = f"two limits for {shorter.seconds} seconds"
            raise LimitsError(message)
    return limits


def _parse_limit(part: str) -> Limit:
    match = _LIMIT.fullmatch(part.strip())
    if match is None:
        message = f"{part.strip()!r} is not REQUESTS/SECONDS"
        raise LimitsError(message)
    limit = Limit(requests=int(match[1]), seconds=int(match[2]))
    if not (limit.requests and limit.seconds):
        message = f"{part.strip()!r} holds a zero"
        raise LimitsError(message)
    return limit


def _width(limit: Limit) -> int:
    return limit.seconds
