"""What a soak left behind: in the database, in the logs, at the vendor."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tests.faults.installation import wait_for

if TYPE_CHECKING:
    from tests.faults.installation import Installation
    from tools.soak.clients import Tally

DRAIN_SECONDS = 90

_COUNTS = """
import json
from keyvault.models import AuditEntry, AuditPending, Credential, Lease
from onboarding.models import OutgoingMail, Submission
from django.db import connection
from django.utils import timezone
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
    stuck = cursor.fetchone()[0]
print(json.dumps({
    "leases": Lease.objects.exclude(token=None).count(),
    "settled": Lease.objects.exclude(outcome="").count(),
    "granted": AuditEntry.objects.filter(action="lease.granted").count(),
    "sealed": AuditEntry.objects.filter(action="credential.sealed").count(),
    "credentials": Credential.objects.count(),
    "unsealed": AuditPending.objects.count(),
    "mails": OutgoingMail.objects.filter(sent_at=None, failed_at=None).count(),
    "late": Submission.objects.filter(state="waiting", due_at__lte=timezone.now()).count(),
    "stuck": stuck,
}))
"""


def report(site: Installation, tally: Tally, *, before: dict[str, int]) -> dict[str, Any]:
    """Wait until the workers have nothing left to do, then compare what was promised with what is.

    Args:
        site: runs still.
        tally: what the clients have seen; they have stopped.
        before: `counts` from before they began.

    Returns:
        "requests", "errors", "lost" and "leaked", as the package's docstring has them.
    """
    say("Waiting for the workers")
    wait_for(lambda: _is_drained(counts(site)), what="the due work is done", seconds=DRAIN_SECONDS)
    after = counts(site)
    grown = {name: after[name] - before[name] for name in after}
    lost = {
        "leases": tally.counts["leases"] - grown["leases"],
        "lease entries": tally.counts["leases"] - grown["granted"],
        "settlements": tally.counts["settled"] - grown["settled"],
        "keys": tally.counts["stored"] - grown["credentials"],
        "key entries": tally.counts["stored"] - grown["sealed"],
        "late work": after["mails"] + after["late"],
        "the record": int(site.manage("keyvault", "verify", check=False).returncode != 0),
    }
    throttled = _vendor_refusals(site)
    if throttled:
        tally.errors["vendor: 429"] += throttled
    leaked = _leaks(site, tally.secrets) + after["stuck"]
    say(f"Seen: {dict(tally.counts)}")
    say(f"Errors: {dict(tally.errors)}")
    say(f"Lost: { ({name: count for name, count in lost.items() if count}) }")
    return {
        "requests": tally.counts["requests"],
        "errors": sum(tally.errors.values()),
        "lost": sum(max(count, 0) for count in lost.values()),
        "leaked": leaked,
    }


def counts(site: Installation) -> dict[str, int]:
    """How many rows there are of what the clients make, and what is left to do."""
    return dict(json.loads(site.shell(_COUNTS)))


def _is_drained(rows: dict[str, int]) -> bool:
    return not (rows["unsealed"] or rows["mails"] or rows["late"])


def _vendor_refusals(site: Installation) -> int:
    stats = site.request("GET", "/_sim/stats", port=site.simulator_port).json()
    return int(stats["by_status"].get("429", 0))


def _leaks(site: Installation, secrets: set[str]) -> int:
    text = "".join(path.read_text(errors="replace") for path in site.folder.glob("*.log"))
    return sum(secret in text for secret in {*secrets, site.facts["backend_token"]})


def say(text: str) -> None:
    """Tell the person at the terminal; the closing JSON alone goes to the output."""
    sys.stderr.write(f"{text}\n")
