"""Faults that are planned for the next requests of a path."""

from dataclasses import dataclass
from enum import StrEnum

MEBIBYTE = 1_048_576

_LANGUAGE_LENGTH = 2


class FaultKind(StrEnum):
    """How a request goes wrong."""

    SLOW = "slow"
    DELAY = "delay"
    SERVER_ERROR = "500"
    THROTTLED = "429"
    UNAUTHORIZED = "401"
    TRUNCATE = "truncate"
    GIANT = "giant"
    GZIP_BOMB = "gzip-bomb"
    HTML = "html"
    REDIRECT = "redirect"
    HANG = "hang"
    RESET = "reset"


DEFAULT_SECONDS = {FaultKind.SLOW: 12.0, FaultKind.DELAY: 12.0, FaultKind.HANG: 60.0}
"""How long a slow or delayed answer takes, and how long a hanging request is held."""

DEFAULT_BYTES = {FaultKind.GIANT: 64 * MEBIBYTE, FaultKind.GZIP_BOMB: 256 * MEBIBYTE}
"""Size of the body once it is decompressed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way of going wrong, with the measures that its kind uses."""

    kind: FaultKind
    seconds: float
    size_bytes: int


@dataclass(slots=True)
class _Planned:
    path: str
    fault: Fault
    left: int


class FaultPlan:
    """Faults in the order in which they were planned; each serves `count` requests."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, *, path: str, fault: Fault, count: int) -> None:
        """Let the next `count` requests whose path matches go wrong.

        Args:
            path: What the request's path begins with, the slash in front being optional; also
                tried against the path without its language. Empty matches every request.
            fault: How they go wrong.
            count: How many of them, at least one.
        """
        self._planned.append(_Planned(path=path.lstrip("/"), fault=fault, left=count))

    def take(self, path: str) -> Fault | None:
        """Give the fault that is due for a request of this path, and use it up."""
        for planned in self._planned:
            if _matches(path=path, prefix=planned.path):
                planned.left -= 1
                if not planned.left:
                    self._planned.remove(planned)
                return planned.fault
        return None

    def clear(self) -> None:
        """Forget every planned fault."""
        self._planned.clear()


def _matches(*, path: str, prefix: str) -> bool:
    bare = path.lstrip("/")
    first, _, rest = bare.partition("/")
    has_language = len(first) == _LANGUAGE_LENGTH
    return bare.startswith(prefix) or (has_language and rest.startswith(prefix))
