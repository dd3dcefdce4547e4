"""What a forked process must not share with the one that it came from."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Holds leases or connections."""

    def begin(self) -> None:
        """Begins with nothing."""


_living: "WeakSet[Renewable]" = WeakSet()


def renew_in_child(each: Renewable) -> None:
    """Lets a thing begin anew in each process that is forked from now on."""
    _living.add(each)


def _renew() -> None:
    for each in list(_living):
        each.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
