"""What a verification of the record finds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not fit.

    Attributes:
        kind: "edited", "deleted", "inserted", "checkpoint", "rolled-back" or "unguarded".
        message: what is wrong, for an operator.
        entry_id: the entry concerned.
        checkpoint_id: the checkpoint concerned.
    """

    kind: str
    message: str
    entry_id: int | None = None
    checkpoint_id: int | None = None


@dataclass(slots=True)
class Report:
    """What a verification found.

    Attributes:
        entries: entries that a checkpoint covers and that fit.
        checkpoints: checkpoints in the chain.
        unsealed: entries that wait for their checkpoint.
        problems: in the order of the record; the first names the first bad entry.
        tip: hash of the last checkpoint in hex, for keeping elsewhere.
    """

    entries: int = 0
    checkpoints: int = 0
    unsealed: int = 0
    problems: list[Problem] = field(default_factory=list)
    tip: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found."""
        return not self.problems
