"""The vendor's headers as figures.

Who reads them is said in settings.KEYVAULT_RATE_LIMIT_READER, the dotted path of a function
`(*, limit, remaining, reset) -> Sequence[Reading]`; without it headers are not read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from keyvault.pool.rows import transit_us
from keyvault.windows import SECOND, KeyState

# A reset is told in whole seconds, rounded nobody knows how.
ROUNDING_US: Final = SECOND


class Reading(Protocol):
    """What one answer told about one window; None where it told nothing usable."""

    @property
    def seconds(self) -> int:
        """The window's span."""

    @property
    def limit(self) -> int | None:
        """Requests allowed in it."""

    @property
    def remaining(self) -> int | None:
        """Requests left, not below 0."""

    @property
    def reset_seconds(self) -> int | None:
        """Seconds until it starts afresh."""


@dataclass(frozen=True, slots=True)
class RawHeaders:
    """The vendor's three headers as they came."""

    limit: str
    remaining: str
    reset: str


@dataclass(frozen=True, slots=True)
class Told:
    """A window of which the vendor has told how much is spent.

    Attributes:
        place: its place among the windows of the state.
        seconds: its span.
        spent: requests.
        reset_seconds: until it starts afresh; None when that was not told.
        age_us: so old at least is a request that no shorter window shows.
    """

    place: int
    seconds: int
    spent: int
    reset_seconds: int | None
    age_us: int


def readings_of(headers: RawHeaders | None) -> Sequence[Reading]:
    """The headers as figures; nonsense and absence are an empty list."""
    path = getattr(settings, "KEYVAULT_RATE_LIMIT_READER", None)
    if headers is None or path is None:
        return ()
    return _reader(path)(limit=headers.limit, remaining=headers.remaining, reset=headers.reset)


def told_windows(*, state: KeyState, readings: Sequence[Reading]) -> list[Told]:
    """The windows of a key of which the vendor told how much is spent, by growing span."""
    by_span = {each.seconds: each for each in readings}
    found: list[Told] = []
    age_us = 0
    for place, window in enumerate(state.windows):
        reading = by_span.get(window.seconds)
        if reading is None or reading.limit is None or reading.remaining is None:
            continue
        told = Told(
            place=place,
            seconds=window.seconds,
            spent=reading.limit - reading.remaining,
            reset_seconds=reading.reset_seconds,
            age_us=age_us,
        )
        found.append(told)
        age_us = window.seconds * SECOND + transit_us()
    return found


def stand_still() -> bool:
    """Whether the operator has said that the vendor's windows stand still."""
    return bool(getattr(settings, "KEYVAULT_FIXED_WINDOWS", False))


@lru_cache
def _reader(path: str) -> Callable[..., Sequence[Reading]]:
    found: Callable[..., Sequence[Reading]] = import_string(path)
    return found
