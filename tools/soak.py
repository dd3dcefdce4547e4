"""A mixed load for some minutes, and what it left behind: python -m tools.soak --minutes 15.

Backends lease, use and settle; merchants paste, check and store keys; staff look around; workers
do what is due; all on PostgreSQL, with the simulator in the vendor's place. The last line is JSON:

    requests        answered by the application
    errors          answers that should not have been (5xx, a 4xx out of place, a broken
                    connection), and refusals of the vendor for too many requests
    lost            what was answered as done and is not in the database afterwards, and due work
                    that was left undone
    leaked          secrets of the run that stand in a log file, and database connections left over
    rss_growth_mib  memory of application and workers together, the end against the first fifth
"""

from __future__ import annotations

import argparse
import base64
import json
import random  # noqa: TID251  # a load, not a secret
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.browser import Browser, merchant_of
from tests.faults.installation import Answer, Installation, wait_for
from tools.postgres import PostgresServer

STORES = 12
KEYS = 3
BACKENDS = 4
MERCHANTS = 2
WARM_UP = 0.2
DRAIN_SECONDS = 90
FOUND = 200
CREATED = 201
EMPTY = 429

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


@dataclass
class Tally:
    """What the clients have seen."""

    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    secrets: set[str] = field(default_factory=set)

    def add(self, what: str, *, count: int = 1) -> None:
        """Count something that was answered as done."""
        with self.lock:
            self.counts[what] += count

    def check(self, answer: Answer, *, expected: tuple[int, ...], what: str) -> bool:
        """Count an answer; whether it is one of the expected."""
        self.add("requests")
        if answer.status in expected:
            return True
        with self.lock:
            self.errors[f"{what}: {answer.status}"] += 1
        return False


def main() -> int:
    """Run the load; returns 0 when nothing went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="latchkey-soak-") as folder, PostgresServer() as server:
        site = Installation(Path(folder) / "data", database_url=server.url)
        try:
            report = _soak(site, seconds=minutes * 60)
        finally:
            site.stop()
    sys.stdout.write(json.dumps(report) + "\n")
    return int(any(report[name] for name in ("errors", "lost", "leaked")))


def _soak(site: Installation, *, seconds: float) -> dict[str, Any]:
    _say("Preparing")
    site.prepare()
    site.start_simulator()
    made = site.manage("demo", "--stores", str(STORES), "--keys", str(KEYS), "--json")
    stores = [store["id"] for store in json.loads(made.stdout)["stores"]]
    site.start_web(workers=2)
    for name in ("worker", "second-worker"):
        site.start_worker(name)
    before = _counts(site)
    tally = Tally()
    clients = [
        *(_Backend(site, tally, stores) for _ in range(BACKENDS)),
        *(_Merchant(site, tally) for _ in range(MERCHANTS)),
        _Staff(site, tally),
    ]
    threads = [threading.Thread(target=client.run, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    _say(f"Under load for {seconds:.0f} s")
    tally.stop.wait(seconds * WARM_UP)
    first = _memory(site)
    tally.stop.wait(seconds * (1 - WARM_UP))
    last = _memory(site)
    _say(f"Memory in MiB: {first} after a fifth, {last} at the end")
    tally.stop.set()
    for thread in threads:
        thread.join(60)
    return _report(site, tally, before=before, growth=sum(last.values()) - sum(first.values()))


def _report(
    site: Installation, tally: Tally, *, before: dict[str, int], growth: float
) -> dict[str, Any]:
    _say("Waiting for the workers")
    wait_for(lambda: _is_drained(_counts(site)), what="the due work is done", seconds=DRAIN_SECONDS)
    after = _counts(site)
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
    _say(f"Seen: {dict(tally.counts)}")
    _say(f"Errors: {dict(tally.errors)}")
    _say(f"Lost: { ({name: count for name, count in lost.items() if count}) }")
    return {
        "requests": tally.counts["requests"],
        "errors": sum(tally.errors.values()),
        "lost": sum(max(count, 0) for count in lost.values()),
        "leaked": leaked,
        "rss_growth_mib": round(growth, 1),
    }


class _Client:
    """Does its turn again and again; what breaks is an error of the run, not its end."""

    pause_seconds = 0.0

    def __init__(self, site: Installation, tally: Tally) -> None:
        self.site, self.tally = site, tally

    def run(self) -> None:
        """Work until it is told to stop."""
        while not self.tally.stop.is_set():
            try:
                self.turn()
            except (OSError, AssertionError, LookupError) as error:
                with self.tally.lock:
                    self.tally.errors[f"{type(self).__name__}: {type(error).__name__}"] += 1
                self.tally.stop.wait(0.2)
            self.tally.stop.wait(self.pause_seconds)

    def turn(self) -> None:
        """One thing that such a client does."""
        raise NotImplementedError


class _Backend(_Client):
    """Leases permits, sends so many requests to the vendor, and reports them."""

    pause_seconds = 0.02

    def __init__(self, site: Installation, tally: Tally, stores: list[str]) -> None:
        super().__init__(site, tally)
        self._stores = stores

    def turn(self) -> None:
        wanted = random.choice((1, 1, 5, 20))  # noqa: S311  # a load, not a secret
        store = random.choice(self._stores)  # noqa: S311  # as above
        answer = self.site.lease(store, permits=wanted)
        if not self.tally.check(answer, expected=(CREATED, EMPTY), what="lease"):
            return
        if answer.status == EMPTY:
            self.tally.add("empty")
            return
        self.tally.add("leases")
        given = answer.json()
        credential = given["credential"]
        self.tally.secrets.add(credential["secret"])
        used = min(given["lease"]["permits"], 2)
        for _ in range(used):
            self._ask_vendor(credential)
        settled = self.site.request(
            "POST",
            f"/api/v1/leases/{given['lease']['id']}/settle",
            body={"used": used, "outcome": "ok"},
            token=self.site.facts["backend_token"],
        )
        if self.tally.check(settled, expected=(FOUND,), what="settle"):
            self.tally.add("settled")

    def _ask_vendor(self, credential: dict[str, Any]) -> None:
        pair = f"{credential['key']}:{credential['secret']}".encode()
        answer = self.site.request(
            "GET",
            f"/{credential['language']}/products/count.json",
            port=self.site.simulator_port,
            headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"},
        )
        self.tally.add("vendor")
        if answer.status not in {FOUND, EMPTY}:
            with self.tally.lock:
                self.tally.errors[f"vendor: {answer.status}"] += 1


class _Merchant(_Client):
    """Looks at the store and brings a new key."""

    pause_seconds = 0.5
    _browser: Browser | None = None

    def turn(self) -> None:
        browser = self._browser = self._browser or merchant_of(self.site)
        store = f"/stores/{self.site.facts['merchant']['store_id']}/"
        self.tally.check(browser.get(store), expected=(FOUND,), what="store page")
        pair = self.site.new_pair()
        self.tally.secrets.add(pair["secret"])
        path = f"{store}keys/new/"
        pasted = browser.post(path, {**browser.form(path), **pair})
        if not self.tally.check(pasted, expected=(FOUND,), what="paste"):
            return
        result = pasted.headers["url"].split(str(self.site.port), 1)[1]
        stored = browser.post(f"{result}store/", browser.form(result))
        if self.tally.check(stored, expected=(FOUND,), what="store a key"):
            self.tally.add("stored")


class _Staff(_Client):
    """Walks through the panel."""

    pause_seconds = 1.0
    _browser: Browser | None = None

    def turn(self) -> None:
        if self._browser is None:
            browser = Browser(self.site)
            staff = self.site.facts["staff"]
            browser.sign_in(**staff)
            self._browser = browser
        for path in ("/staff/", "/staff/keyvault/credential/", "/staff/keyvault/auditentry/"):
            self.tally.check(self._browser.get(path), expected=(FOUND,), what=path)


def _counts(site: Installation) -> dict[str, int]:
    return dict(json.loads(site.shell(_COUNTS)))


def _is_drained(counts: dict[str, int]) -> bool:
    return not (counts["unsealed"] or counts["mails"] or counts["late"])


def _vendor_refusals(site: Installation) -> int:
    stats = site.request("GET", "/_sim/stats", port=site.simulator_port).json()
    return int(stats["by_status"].get("429", 0))


def _memory(site: Installation) -> dict[str, float]:
    return {name: round(site.rss_mib(name), 1) for name in ("web", "worker", "second-worker")}


def _leaks(site: Installation, secrets: set[str]) -> int:
    text = "".join(path.read_text(errors="replace") for path in site.folder.glob("*.log"))
    return sum(secret in text for secret in {*secrets, site.facts["backend_token"]})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
