"""A pile of the queue: rows that are wrong in the same way."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.urls import reverse

Row = TypeVar("Row", bound=Model)

# So many rows of a pile are shown; the rest stands behind its link.
SHOWN = 5
MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One row of a pile."""

    label: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Pile:
    """What is wrong in one way.

    Attributes:
        title: what is wrong, with the number.
        consequence: what it means for merchants.
        kind: danger, warning or info.
        count: how many rows.
        tasks: the first of them.
        url: all of them.
    """

    title: str
    consequence: str
    kind: str
    count: int
    tasks: tuple[Task, ...]
    url: str


def pile_of(
    rows: QuerySet[Row],
    *,
    title: Callable[[int], str],
    consequence: str,
    kind: str | Callable[[Row], str],
    task: Callable[[Row], Task],
    url: str,
) -> Pile | None:
    """A pile; None when there is nothing in it. Two queries, one for an empty pile.

    Args:
        rows: what is wrong, what is to be done first in front.
        title: of a number of rows, for example an `ngettext`.
        consequence: what it means for merchants.
        kind: danger, warning or info; or which of them the first row makes it.
        task: one row in words.
        url: all of them.
    """
    count = rows.order_by()[:MOST_COUNTED].count()
    if not count:
        return None
    shown = list(rows[:SHOWN])
    return Pile(
        title=title(count) % count,
        consequence=consequence,
        kind=kind if isinstance(kind, str) else kind(shown[0]),
        count=count,
        tasks=tuple(task(row) for row in shown),
        url=url,
    )


def row_url(name: str, pk: object) -> str:
    """The page of a row, "keyvault_credential" and the like."""
    return reverse(f"admin:{name}_change", args=[pk])


def list_url(name: str, query: str = "") -> str:
    """The list of a table."""
    return reverse(f"admin:{name}_changelist") + query
