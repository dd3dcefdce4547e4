"""Keys and records: damaged keyrings, lost keys, damaged bytes."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.installation import ROOT, Installation

# The command would also move every DEK under the new KEK.
ROTATE_ALONE = """
from keyvault.audit import Actor
from keyvault.rotation import rotate_kek
rotate_kek(actor=Actor("command", "test"))
"""


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": "latchkey-keyring"', b"\x00" * 4096])
def test_nothing_starts_on_a_damaged_keyring(content: bytes, site: Installation) -> None:
    keyring = site.folder / "keyring.json"
    keyring.write_bytes(content)

    worker = site.manage("worker", "--once", check=False)
    with pytest.raises(AssertionError, match="keyring"):
        site.start_web()

    assert worker.returncode != 0
    assert str(keyring) in worker.stderr
    assert keyring.read_bytes() == content


def test_only_the_stores_under_a_lost_kek_are_refused(site: Installation) -> None:
    site.start_simulator()
    keyring = site.folder / "keyring.json"
    older = keyring.read_bytes()
    kek = json.loads(older)["keks"][0]["id"]
    site.shell(ROTATE_ALONE)
    (store,) = json.loads(site.manage("demo", "--stores", "1", "--keys", "1", "--json").stdout)[
        "stores"
    ]
    _forget(keyring, kek)

    site.start_web()
    refused, lent = site.lease(), site.lease(store["id"])

    assert refused.status == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert kek in refused.json()["detail"]
    assert lent.status == 201


def _forget(keyring: Path, kek: str) -> None:
    """Put the keyring of another machine in its place: whole, but without one KEK."""
    code = (
        "from pathlib import Path; from dataclasses import replace; "
        "from keyvault.kek import keyring as k; "
        f"path = Path({str(keyring)!r}); ring = k.load(path); "
        f"k.save(path, replace(ring, keks=tuple(x for x in ring.keks if x.id != {kek!r})))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_a_damaged_record_is_set_aside_alone_and_on_the_record(site: Installation) -> None:
    site.start_simulator()
    made = json.loads(site.manage("demo", "--stores", "1", "--keys", "2", "--json").stdout)
    store = made["stores"][0]["id"]
    with closing(sqlite3.connect(site.folder / "latchkey.sqlite3")) as database, database:
        bad, sealed = database.execute(
            "SELECT id, sealed FROM keyvault_credential WHERE keychain_id = ? LIMIT 1",
            [store.replace("-", "")],
        ).fetchone()
        damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
        database.execute("UPDATE keyvault_credential SET sealed = ? WHERE id = ?", [damaged, bad])
    site.start_web()

    lent = [site.lease(store, permits=20) for _ in range(2)]

    assert [answer.status for answer in lent] == [201, 201] or lent[0].status == 201
    assert all(
        answer.json()["credential"]["id"].replace("-", "") != bad
        for answer in lent
        if answer.status == 201
    )
    state = "from keyvault.models import Credential; print(Credential.objects.get(pk='%s').state)"
    entries = (
        "from keyvault.models import AuditEntry; "
        "print(AuditEntry.objects.filter(action='credential.quarantined').count())"
    )
    assert site.shell(state % bad) == "suspended"
    assert site.shell(entries) == "1"
