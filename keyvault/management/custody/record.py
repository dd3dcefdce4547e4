"""verify and export-audit."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from keyvault.audit import signing
from keyvault.audit.export import export_record
from keyvault.audit.mistyped import first_mistyped
from keyvault.audit.sealer import file_sink, seal_new_entries
from keyvault.audit.sinks import FileSink
from keyvault.audit.verification import verify as verify_record
from keyvault.errors import UnknownRecordError, VaultError
from keyvault.management.custody.outcome import OPERATOR, Outcome, Part
from keyvault.models import AuditEntry, Keychain
from keyvault.vault.altered import altered_rows, sound

SHOWN = 20


def verify(options: argparse.Namespace) -> Outcome:
    """Verifies the whole record and names what is bad."""
    if not AuditEntry.objects.exists():
        message = "the record is empty: there is nothing to verify"
        if file_sink().last() is not None:
            message = "the record is empty, but checkpoints were written outside: it was emptied"
        raise VaultError(message)
    sink = FileSink(options.checkpoints) if options.checkpoints else file_sink()
    anchor = sink.last()
    if options.checkpoints and anchor is None:
        message = f"{options.checkpoints} holds no checkpoint: look whether it is the right file"
        raise VaultError(message)
    report = verify_record(anchor=anchor)
    lines = [problem.message for problem in report.problems[:SHOWN]]
    if len(report.problems) > SHOWN:
        lines.append(f"… and {len(report.problems) - SHOWN} more")
    if anchor is None:
        lines.append("No checkpoint outside of the database to compare with.")
    lines.append(
        f"{'Intact' if report.is_intact else 'NOT INTACT'}: {report.entries} entries under "
        f"{report.checkpoints} checkpoints, {report.unsealed} not sealed yet."
    )
    data = {**asdict(report), "intact": report.is_intact}
    return Outcome(lines, data, is_good=report.is_intact)


def export_audit(options: argparse.Namespace) -> Outcome:
    """Writes one store's part of the record with its proofs."""
    keychain = named_keychain(options.store)
    if mistyped := first_mistyped():
        message = f"{mistyped.message}. Run: manage.py keyvault verify"
        raise VaultError(message)
    path: Path = options.to or Path(f"audit-{keychain.pk}.jsonl")
    seal_new_entries(timezone.now())
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            done = export_record(
                keychain_id=keychain.pk, file=file, now=timezone.now(), actor=OPERATOR
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    prints = [signing.public_fingerprint(key) for key in signing.public_keys().values()]
    lines = [
        f"{done.entries} entries and {done.checkpoints} checkpoints written to {path}.",
        f"Signing key: {', '.join(prints)}. Tell the merchant by another way than the file.",
        f"They verify it by: python verify_record.py {path.name} --key {prints[-1]}",
    ]
    return Outcome(lines, {**asdict(done), "file": str(path), "keys": prints})


def named_keychain(name: str) -> Keychain:
    """The keychain of an id, or of the one store that is labelled so.

    Raises:
        UnknownRecordError: there is none, or there are several.
    """
    known = sound(Keychain.objects.all())
    try:
        found = list(known.filter(pk=UUID(name)))
    except ValueError:
        found = list(known.filter(label=name)[:2])
    if len(found) != 1:
        what = "no store is" if not found else "several stores are"
        altered = altered_rows(Keychain) if not found else []
        message = " ".join([f"{what} named {name!r}; use the id.", *altered])
        raise UnknownRecordError(message)
    return found[0]


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoints", type=Path, help="compare with this copy instead of the sink's"
    )


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", help="the store's id, or its label if that is unique")
    parser.add_argument("--to", type=Path, help="file to write")


PARTS = [
    Part("verify", "find out whether anybody has changed the record", verify, _verify_arguments),
    Part(
        "export-audit",
        "write one store's record for the merchant to verify",
        export_audit,
        _export_arguments,
    ),
]
