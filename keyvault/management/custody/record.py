"""verify."""

import argparse
from dataclasses import asdict
from pathlib import Path

from keyvault.audit.sealer import file_sink
from keyvault.audit.sinks import FileSink
from keyvault.audit.verification import verify as verify_record
from keyvault.errors import VaultError
from keyvault.management.custody.outcome import Outcome, Part
from keyvault.models import AuditEntry

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


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--checkpoints", type=Path, help="compare with this copy instead of the sink's"
    )


PARTS = [Part("verify", "find out whether anybody has changed the record", verify, _arguments)]
