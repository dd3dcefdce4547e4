r"""Checkpoints: what is signed, how they are chained, and their form outside of the database.

Signed are eight lines of ASCII, joined by "\n":

    latchkey-checkpoint-v1
    <id, one more than the checkpoint before; the first is 1>
    <hash of the checkpoint before in hex; the first has 64 zeros>
    <number of entries>
    <ids of the entries in order, "17-93,95">
    <Merkle root over them in hex>
    <time in UTC, 2026-11-22 06:08:25.123456>
    <id of the signing key>

A checkpoint's hash is SHA-256 over these lines followed by the 64 bytes of the Ed25519 signature.
So the last signature vouches for every checkpoint before it, their signatures included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from keyvault.models import AuditCheckpoint

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Tip:
    """Where the chain ends.

    Attributes:
        id: of the last checkpoint; 0 when there is none.
        digest: its hash; GENESIS when there is none.
    """

    id: int
    digest: bytes


def body_of(checkpoint: AuditCheckpoint) -> bytes:
    """The lines that are signed."""
    lines = (
        "latchkey-checkpoint-v1",
        str(checkpoint.pk),
        bytes(checkpoint.previous).hex(),
        str(checkpoint.count),
        checkpoint.ranges,
        bytes(checkpoint.root).hex(),
        as_text(checkpoint.at),
        checkpoint.key_id,
    )
    return "\n".join(lines).encode()


def digest_of(checkpoint: AuditCheckpoint) -> bytes:
    """The checkpoint's hash, which the next one holds."""
    return sha256(body_of(checkpoint) + bytes(checkpoint.signature)).digest()


def tip() -> Tip:
    """The last checkpoint. One query."""
    last = AuditCheckpoint.objects.defer("leaves").order_by("-id").first()
    return Tip(0, GENESIS) if last is None else Tip(last.pk, digest_of(last))


def as_line(checkpoint: AuditCheckpoint) -> dict[str, object]:
    """The checkpoint for a sink and for an export: everything that is needed to check it."""
    return {
        "format": "latchkey-checkpoint",
        "version": 1,
        "id": checkpoint.pk,
        "previous": bytes(checkpoint.previous).hex(),
        "count": checkpoint.count,
        "ranges": checkpoint.ranges,
        "root": bytes(checkpoint.root).hex(),
        "at": as_text(checkpoint.at),
        "key_id": checkpoint.key_id,
        "signature": bytes(checkpoint.signature).hex(),
        "hash": digest_of(checkpoint).hex(),
    }


def as_text(moment: datetime) -> str:
    """A time in UTC with six digits of fraction."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def ranges_of(ids: Sequence[int]) -> str:
    """Ascending ids as "17-93,95"."""
    spans: list[list[int]] = []
    for entry_id in ids:
        if spans and entry_id == spans[-1][1] + 1:
            spans[-1][1] = entry_id
        else:
            spans.append([entry_id, entry_id])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def spans_in(ranges: str) -> Iterator[tuple[int, int]]:
    """The first and last ids of the spans of "17-93,95".

    Raises:
        ValueError: malformed, so altered.
    """
    for span in ranges.split(","):
        low, _, high = span.partition("-")
        yield int(low), int(high or low)


def ids_in(ranges: str) -> Iterator[int]:
    """The ids of "17-93,95" in order.

    Raises:
        ValueError: malformed, so altered.
    """
    for low, high in spans_in(ranges):
        yield from range(low, high + 1)
