"""A new key for everything: our DEKs re-wrapped, a field library's rows written again."""

from typing import Any

from benchmarks.custody import contest
from benchmarks.custody.contest import OURS, Contest
from benchmarks.custody.keychains import make_keychains
from benchmarks.custody.peers import ways_to_move
from keyvault import rotation
from keyvault.audit import Actor

ACTOR = Actor(kind="command", id="benchmark")


def to_a_new_key(
    models: dict[str, Any], *, keychains: int, their_rows: int, rounds: int
) -> Contest:
    """Moves all of ours, and so many rows of a field library by each way that its users have."""
    make_keychains(keychains)

    def ours() -> int:
        rotation.rotate_kek(actor=ACTOR)
        return rotation.rewrap(actor=ACTOR, progress=lambda *_: None).done

    contestants: dict[str, contest.Work] = {OURS: ours}
    for name, model in models.items():
        ways = ways_to_move(model, most=their_rows)
        contestants |= {f"{name}, {way}": work for way, work in ways.items()}
    return contest.hold("Move all rows to a new key", contestants, rounds=rounds)
