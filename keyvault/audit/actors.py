"""Who did it: an id and a kind, never a name or an address."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts on a secret.

    Attributes:
        kind: what sort of actor.
        id: the row's id for a person or a backend, else a name of ours.
    """

    kind: Literal["person", "backend", "system", "command"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Actor(kind="system", id="worker")
