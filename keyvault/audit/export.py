r"""One keychain's part of the record, in a file that verifies without anybody else's entries.

JSON lines. First a header with the public keys; then every checkpoint from the first that concerns
the keychain to the last of all, as a sink holds them; then the entries, each in its canonical form
with the nodes that lead from its leaf to its checkpoint's root:

    {"format": "latchkey-audit-export", "version": 1, "keychain": …, "exported_at": …, "keys": {…}}
    {"format": "latchkey-checkpoint", …}
    {"format": "latchkey-entry", "checkpoint": 7, "entry": "latchkey-entry-v1\n17\n…",
     "proof": [["<siblings on the left in hex>", "<those on the right>"], …]}

tools/verify_record.py reads it, with the standard library and `cryptography` alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TextIO
from uuid import UUID

from django.db.models import QuerySet

from keyvault import audit
from keyvault.audit import Action, Actor, checkpoints, signing, tree
from keyvault.audit.leaves import leaves_of_keychain
from keyvault.audit.snapshot import snapshot
from keyvault.errors import RolledBackError
from keyvault.models import AuditCheckpoint


@dataclass(frozen=True, slots=True)
class Exported:
    """What a file holds.

    Attributes:
        entries: entries of the keychain.
        unsealed: entries that were left out, as no checkpoint covers them yet.
        checkpoints: checkpoints in the file.
    """

    entries: int
    unsealed: int
    checkpoints: int


def export_record(*, keychain_id: UUID, file: TextIO, now: datetime, actor: Actor) -> Exported:
    """Writes the entries of one keychain with their proofs; then records `record.exported`.

    Reads in one snapshot; memory grows with one checkpoint, not with the record.

    Args:
        keychain_id: whose.
        file: where to.
        now: the present time, for the header.
        actor: who asked for it.

    Returns:
        What was written.

    Raises:
        RolledBackError: an entry does not fit its checkpoint; verify the record first.
        KeyringError: the public keys cannot be read.
    """
    with snapshot():
        keys = {name: key.hex() for name, key in signing.public_keys().items()}
        header = {
            "format": "latchkey-audit-export",
            "version": 1,
            "keychain": str(keychain_id),
            "exported_at": checkpoints.as_text(now),
            "keys": keys,
        }
        _write(file, header)
        done = _write_body(keychain_id, file)
    audit.record(
        action=Action.RECORD_EXPORTED,
        actor=actor,
        keychain_id=keychain_id,
        subject=f"keychain:{keychain_id}",
        facts={"entries": done.entries},
    )
    return done


def _write_body(keychain_id: UUID, file: TextIO) -> Exported:
    rows = list(leaves_of_keychain(keychain_id))
    if not rows:
        return Exported(0, 0, 0)
    chain = _concerned(lowest=rows[0][0])
    count = 0
    for checkpoint in chain.defer("leaves").iterator(chunk_size=500):
        _write(file, checkpoints.as_line(checkpoint))
        count += 1
    waiting = dict(rows)
    for checkpoint in chain.filter(last_entry__gte=rows[0][0]).iterator(chunk_size=50):
        for line in _proofs(checkpoint, waiting):
            _write(file, line)
    return Exported(len(rows) - len(waiting), len(waiting), count)


def _concerned(*, lowest: int) -> QuerySet[AuditCheckpoint]:
    covering = AuditCheckpoint.objects.filter(first_entry__lte=lowest, last_entry__gte=lowest)
    first = covering.order_by("id").values_list("id", flat=True).first() or 1
    return AuditCheckpoint.objects.filter(pk__gte=first).order_by("id")


def _proofs(checkpoint: AuditCheckpoint, waiting: dict[int, bytes]) -> Iterator[dict[str, object]]:
    ids = _ids_of(checkpoint)
    mine = [(index, entry_id) for index, entry_id in enumerate(ids) if entry_id in waiting]
    if not mine:
        return
    levels = tree.levels_of(bytes(checkpoint.leaves))
    for index, entry_id in mine:
        entry = waiting.pop(entry_id)
        path = tree.path_in(levels, index)
        if tree.root_from(tree.leaf_hash(entry), path) != checkpoint.root:
            message = f"entry {entry_id} is not what was sealed. Run: manage.py keyvault verify"
            raise RolledBackError(message)
        yield {
            "format": "latchkey-entry",
            "checkpoint": checkpoint.pk,
            "entry": entry.decode(),
            "proof": [[left.hex(), right.hex()] for left, right in path],
        }


def _ids_of(checkpoint: AuditCheckpoint) -> list[int]:
    """The ids in order, of which there are as many as leaves, whatever the ranges say."""
    most = len(checkpoint.leaves) // tree.HASH_BYTES
    try:
        ids = list(islice(checkpoints.ids_in(checkpoint.ranges), most + 1))
    except ValueError:
        ids = []
    if not 0 < len(ids) <= most:
        message = f"checkpoint {checkpoint.pk} is altered. Run: manage.py keyvault verify"
        raise RolledBackError(message)
    return ids


def _write(file: TextIO, line: dict[str, object]) -> None:
    file.write(json.dumps(line) + "\n")
