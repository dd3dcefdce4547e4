"""The vault beside bare primitives and other libraries, in one interleaved run.

    python benchmarks/vault.py [--quick]

Peers (django-fernet-encrypted-fields, django-cryptography, Tink) are installed from
benchmarks/peers.txt, by hash, into var/benchmark-peers; a peer that cannot be had is left out and
said so. The database is that of this environment's `DATABASE_URL`, else SQLite in a temporary
folder. All contestants take turns in each round, and the best round of each counts: whatever else
the machine does can only slow one down. The last line is JSON: ratios, ours divided by theirs.
"""

# ruff: noqa: PLC0415, ANN401, RUF001  # Django is set up by the run; peers have no types

import argparse
import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "var" / "benchmark-peers"
PAYLOAD = b"\x01\x00\x20" + b"k" * 32 + b"s" * 32 + b"-" * 33


def install_peers() -> None:
    """Puts the peers where this run finds them, once."""
    if not (PEERS / ".done").exists():
        uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps"]
        pinned = ["--require-hashes", "-r", str(ROOT / "benchmarks" / "peers.txt")]
        done = subprocess.run([*uv, "--target", str(PEERS), *pinned], check=False)
        if done.returncode == 0:
            (PEERS / ".done").touch()
    sys.path.append(str(PEERS))


def set_up(folder: str) -> None:
    os.environ["DATA_DIR"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    sys.path.insert(0, str(ROOT))
    django = importlib.import_module("django")
    settings = importlib.import_module("django.conf").settings
    settings.SALT_KEY = "obviously-fake-salt-of-a-benchmark"
    django.setup()
    management = importlib.import_module("django.core.management")
    management.call_command("migrate", verbosity=0)
    local = importlib.import_module("keyvault.kek.local")
    local.create_keyring(Path(settings.KEYVAULT_KEYRING))


def rates(contestants: dict[str, Callable[[], int]], *, rounds: int) -> dict[str, float]:
    """Operations a second of each: its best of the rounds in which all take turns."""
    found: dict[str, list[float]] = {name: [] for name in contestants}
    gc.collect()
    for _ in range(rounds):
        for name, work in contestants.items():
            start = time.perf_counter()
            count = work()
            found[name].append(count / (time.perf_counter() - start))
    return {name: max(values) for name, values in found.items()}


def repeated(work: Callable[[], object], times: int) -> Callable[[], int]:
    def run() -> int:
        for _ in range(times):
            work()
        return times

    return run


def envelope_rates(*, quick: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Opening and sealing one record of 100 bytes whose DEK is at hand."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from keyvault import envelope
    from keyvault.vault import ciphers
    from keyvault.vault.custody import active_provider

    keychain, record, dek = uuid.uuid4().hex, uuid.uuid4().hex, envelope.new_dek()
    key = active_provider().wrap(dek=dek, keychain=keychain)
    bare, place = AESGCM(dek), b"associated data of about the same length as ours has" * 2
    nonce = os.urandom(12)
    kept = bare.encrypt(nonce, PAYLOAD, place)

    def where() -> bytes:
        return envelope.place(keychain=keychain, record=record, field="credential")

    def cipher() -> AESGCM:
        return ciphers.cipher_of(keychain=keychain, kek_id=key.kek_id, wrapped=key.wrapped)

    sealed = envelope.seal(cipher=bare, plaintext=PAYLOAD, place=where())
    opening: dict[str, Callable[[], object]] = {
        "bare AES-GCM": lambda: bare.decrypt(nonce, kept, place),
        "Latchkey": lambda: envelope.open_sealed(cipher=cipher(), sealed=sealed, place=where()),
    }
    sealing: dict[str, Callable[[], object]] = {
        "bare AES-GCM": lambda: bare.encrypt(os.urandom(12), PAYLOAD, place),
        "Latchkey": lambda: envelope.seal(cipher=cipher(), plaintext=PAYLOAD, place=where()),
    }
    with contextlib.suppress(ImportError):
        tink = tink_aead()
        by_tink = tink.encrypt(PAYLOAD, place)
        opening["Tink"] = lambda: tink.decrypt(by_tink, place)
        sealing["Tink"] = lambda: tink.encrypt(PAYLOAD, place)
    rounds, times = (200, 300) if quick else (500, 1000)
    return tuple(  # type: ignore[return-value]
        rates({name: repeated(work, times) for name, work in works.items()}, rounds=rounds)
        for works in (opening, sealing)
    )


def tink_aead() -> Any:
    import tink
    from tink import aead

    aead.register()
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    return handle.primitive(aead.Aead)


def field_models() -> dict[str, Any]:
    """A model with an encrypted key and secret for each field library that can be had."""
    from django.db import connection, models

    def model(name: str, field: Callable[[], Any]) -> Any:
        body = {"key": field(), "secret": field(), "__module__": __name__}
        body["Meta"] = type("Meta", (), {"app_label": "benchmarks"})
        made = type(name, (models.Model,), body)
        with connection.schema_editor() as editor:
            editor.create_model(made)  # type: ignore[arg-type]
        return made

    found = {}
    try:
        fields = importlib.import_module("encrypted_fields.fields")
        found["django-fernet-encrypted-fields"] = model(
            "FernetPair", lambda: fields.EncryptedCharField(max_length=64)
        )
    except Exception as error:  # noqa: BLE001  # whatever a peer raises on this Django
        print(f"django-fernet-encrypted-fields left out: {error!r}")
    try:
        crypto = importlib.import_module("django_cryptography.fields")
        found["django-cryptography"] = model(
            "CryptographyPair", lambda: crypto.encrypt(models.CharField(max_length=64))
        )
    except Exception as error:  # noqa: BLE001  # whatever a peer raises on this Django
        print(f"django-cryptography left out: {error!r}")
    return found


def store_credentials(count: int) -> None:
    """Keychains of three credentials each, in bulk."""
    from pydantic import SecretStr

    from keyvault import envelope
    from keyvault.models import Credential, Keychain, WrappedDek
    from keyvault.vault import ciphers, secrets
    from keyvault.vault.custody import active_provider

    provider, pair = active_provider(), SecretStr("k" * 32)
    secret = secrets.ApiKeySecret(pair, pair)
    chains = [Keychain(id=uuid.uuid4(), kind="store") for _ in range(count // 3)]
    Keychain.objects.bulk_create(chains, batch_size=2000)
    keys = [provider.wrap(dek=envelope.new_dek(), keychain=chain.id.hex) for chain in chains]
    WrappedDek.objects.bulk_create(
        (
            WrappedDek(keychain=chain, kek_id=key.kek_id, wrapped=key.wrapped)
            for chain, key in zip(chains, keys, strict=True)
        ),
        batch_size=2000,
    )
    rows = []
    for chain, key in zip(chains, keys, strict=True):
        cipher = ciphers.cipher_of(keychain=chain.id.hex, kek_id=key.kek_id, wrapped=key.wrapped)
        for _ in range(3):
            row = Credential(id=uuid.uuid4(), keychain=chain, fingerprint=uuid.uuid4().hex)
            place = envelope.place(
                keychain=chain.id.hex, record=row.id.hex, field="credential", version=1
            )
            row.sealed = envelope.seal(cipher=cipher, plaintext=secrets.encode(secret), place=place)
            rows.append(row)
    Credential.objects.bulk_create(rows, batch_size=2000)


def bulk_rates(peers: dict[str, Any], *, quick: bool) -> dict[str, float]:
    """Reading and opening all rows, database included."""
    from keyvault import vault
    from keyvault.models import Credential

    count = 1500 if quick else 6000
    store_credentials(count)
    for peer in peers.values():
        peer.objects.bulk_create(peer(key="k" * 32, secret="s" * 32) for _ in range(count))

    def ours() -> int:
        return sum(1 for _ in vault.open_in_bulk(Credential.objects.all()))

    contestants: dict[str, Callable[[], int]] = {"Latchkey": ours}
    for name, peer in peers.items():
        contestants[name] = lambda peer=peer: len(list(peer.objects.values_list("key", "secret")))
    return rates(contestants, rounds=9)


def rewrap_rates(peers: dict[str, Any], *, quick: bool) -> dict[str, float]:
    """A new KEK for all DEKs; for a field library each row read, saved again, as its users do."""
    from keyvault import envelope, rotation
    from keyvault.audit import Actor
    from keyvault.models import Keychain, WrappedDek
    from keyvault.vault.custody import active_provider

    provider, actor = active_provider(), Actor(kind="command", id="benchmark")
    chains = [Keychain(id=uuid.uuid4(), kind="store") for _ in range(10_000 if quick else 100_000)]
    Keychain.objects.bulk_create(chains, batch_size=5000)
    keys = (
        (chain, provider.wrap(dek=envelope.new_dek(), keychain=chain.id.hex)) for chain in chains
    )
    WrappedDek.objects.bulk_create(
        (WrappedDek(keychain=chain, kek_id=key.kek_id, wrapped=key.wrapped) for chain, key in keys),
        batch_size=5000,
    )

    def ours() -> int:
        rotation.rotate_kek(actor=actor)
        return rotation.rewrap(actor=actor, progress=lambda *_: None).done

    def saved(peer: Any, most: int) -> int:
        rows = list(peer.objects.all()[:most])
        for row in rows:
            row.save()
        return len(rows)

    contestants: dict[str, Callable[[], int]] = {"Latchkey": ours}
    for name, peer in peers.items():
        contestants[name] = lambda peer=peer: saved(peer, 500 if quick else 5000)
    return rates(contestants, rounds=3)


def verify_rates(*, quick: bool) -> dict[str, float]:
    """Verifying the record; the floor is one SHA-256 chained over the same bytes."""
    from django.utils import timezone

    from keyvault import audit
    from keyvault.audit import sealer
    from keyvault.audit.leaves import leaves_between
    from keyvault.audit.verification import verify
    from keyvault.models import AuditEntry

    count, actor = 20_000 if quick else 100_000, audit.Actor(kind="backend", id=str(uuid.uuid4()))
    subject = f"lease:{uuid.uuid4()}"
    sealer.MOST_ENTRIES = 1000
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                at=timezone.now(),
                action=audit.Action.LEASE_GRANTED.value,
                actor=str(actor),
                keychain_id=uuid.uuid4(),
                subject=subject,
                facts={"class": "interactive", "permits": 20},
                request_id=uuid.uuid4().hex,
            )
            for _ in range(count)
        ),
        batch_size=1000,
    )
    sealer.seal_new_entries(timezone.now())
    highest = AuditEntry.objects.order_by("-id")[0].pk
    entries = list(leaves_between(first=1, last=highest).values())

    def floor() -> int:
        link = b""
        for entry in entries:
            link = sha256(link + entry).digest()
        return len(entries)

    def ours() -> int:
        report = verify(anchor=sealer.file_sink().last())
        if not report.is_intact:
            raise SystemExit(report.problems[0].message)
        return report.entries

    return rates({"bare SHA-256": floor, "Latchkey": ours}, rounds=11)


def show(title: str, found: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, rate in sorted(found.items(), key=lambda pair: -pair[1]):
        print(f"  {name:34} {rate:12,.0f} a second  {rate / found['Latchkey']:6.2f} × Latchkey")


def ratio(found: dict[str, float], *, over: Iterator[str] | list[str]) -> float | None:
    """Ours over the best of the others that took part."""
    others = [found[name] for name in over if name in found]
    return round(found["Latchkey"] / max(others), 3) if others else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ends within a minute")
    quick = parser.parse_args().quick
    install_peers()
    with tempfile.TemporaryDirectory(prefix="latchkey-benchmark-") as folder:
        set_up(folder)
        opened, sealed = envelope_rates(quick=quick)
        show("Open one sealed record, DEK at hand", opened)
        show("Seal one record, DEK at hand", sealed)
        peers = field_models()
        bulk = bulk_rates(peers, quick=quick)
        show("Read and open all rows", bulk)
        verified = verify_rates(quick=quick)
        show("Verify the audit record", verified)
        moved = rewrap_rates(peers, quick=quick)
        show("Move all rows to a new key", moved)
    result = {
        "open_vs_aesgcm": ratio(opened, over=["bare AES-GCM"]),
        "seal_vs_aesgcm": ratio(sealed, over=["bare AES-GCM"]),
        "bulk_open_vs_fernet_fields": ratio(bulk, over=list(peers)),
        "rewrap_vs_best_field_library": ratio(moved, over=list(peers)),
        "verify_vs_sha256": ratio(verified, over=["bare SHA-256"]),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
