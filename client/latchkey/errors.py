"""What can go wrong.

LatchkeyError
├── UnavailableError    Latchkey does not answer, or asks to come back
├── PoolEmptyError      no key has a free permit within the time that you would wait
└── LeaseRefusedError   it answers, and the answer is no
"""

from functools import partial
from typing import Any


class LatchkeyError(Exception):
    """Root of the client's errors."""


class UnavailableError(LatchkeyError):
    """Latchkey does not answer, or asks to come back."""


class PoolEmptyError(LatchkeyError):
    """No key has a free permit.

    Attributes:
        retry_after_seconds: when one will be free.
    """

    def __init__(self, *, retry_after_seconds: float) -> None:
        super().__init__(f"no key has a free permit for {retry_after_seconds:.1f} s")
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[Any, ...]:
        # Between processes an error goes as a pickle, which would leave the names out.
        return partial(type(self), retry_after_seconds=self.retry_after_seconds), ()


class LeaseRefusedError(LatchkeyError):
    """The answer is no.

    Attributes:
        status: the HTTP status.
        type: the problem's stable type, "missing-scope".

    Its text names what was wrong in the request, where Latchkey tells.
    """

    def __init__(self, *, status: int, type_: str, title: str, faults: str = "") -> None:
        super().__init__(f"{title} ({type_}){faults and ': '}{faults}")
        self.status = status
        self.type = type_
        self._title = title
        self._faults = faults

    def __reduce__(self) -> tuple[Any, ...]:
        words = {"title": self._title, "faults": self._faults}
        return partial(type(self), status=self.status, type_=self.type, **words), ()
