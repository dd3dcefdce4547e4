"""A report: the same numbers for the drawing, the table and the file."""

from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the drawing.

    Attributes:
        label: what it stands for.
        value: how long it is; `most` is the whole width.
        figure: the number as people read it.
        is_bad: whether it wants somebody's eye; said by `figure` or the table, too.
    """

    label: str
    value: int
    figure: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        name: for the address of its file.
        title: what it answers.
        lead: how to read it.
        columns: the heads of the table.
        rows: its cells, the first of each names the row.
        bars: the drawing.
        nothing: what to say when there are no rows.
        full: what the whole width of the drawing stands for; 0: the longest bar.
    """

    name: str
    title: str
    lead: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    bars: tuple[Bar, ...]
    nothing: str
    full: int = 0

    @property
    def most(self) -> int:
        """What the whole width of the drawing stands for; never 0, and no bar is longer."""
        return max(self.full, *(bar.value for bar in self.bars), 1)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(bar.value for bar in self.bars)


def percent(part: int, whole: int) -> int:
    """A share in whole percent; of nothing it is 0."""
    return round(100 * part / whole) if whole else 0
