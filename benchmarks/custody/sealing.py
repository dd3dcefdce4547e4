"""Opening and sealing: one record with its DEK at hand, and all rows of a table."""

import os
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from benchmarks.custody import contest
from benchmarks.custody.contest import OURS, Contest
from benchmarks.custody.keychains import make_keychains
from benchmarks.custody.peers import PAIR, tink_aead
from keyvault import envelope, vault
from keyvault.models import Credential
from keyvault.vault import ciphers, secrets
from keyvault.vault.custody import active_provider

BARE = "bare AES-GCM"
PAYLOAD = b"\x01\x00\x20" + b"k" * 32 + b"s" * 32 + b"-" * 33
CREDENTIALS_EACH = 3


def one_record(*, rounds: int, times: int) -> tuple[Contest, Contest]:
    """Opening, then sealing, one record of 100 bytes whose DEK is at hand."""
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
        BARE: lambda: bare.decrypt(nonce, kept, place),
        OURS: lambda: envelope.open_sealed(cipher=cipher(), sealed=sealed, place=where()),
    }
    sealing: dict[str, Callable[[], object]] = {
        BARE: lambda: bare.encrypt(os.urandom(12), PAYLOAD, place),
        OURS: lambda: envelope.seal(cipher=cipher(), plaintext=PAYLOAD, place=where()),
    }
    if tink := tink_aead():
        by_tink = tink.encrypt(PAYLOAD, place)
        opening["Tink"] = lambda: tink.decrypt(by_tink, place)
        sealing["Tink"] = lambda: tink.encrypt(PAYLOAD, place)
    opened, made = (
        contest.hold(
            f"{verb} one sealed record, its DEK at hand",
            {name: contest.repeated(work, times=times) for name, work in works.items()},
            rounds=rounds,
        )
        for verb, works in (("Open", opening), ("Seal", sealing))
    )
    return opened, made


def all_rows(models: dict[str, Any], *, rows: int, rounds: int) -> Contest:
    """Reading and opening all rows, database included."""
    store_credentials(rows)
    for model in models.values():
        model.objects.bulk_create(model(**PAIR) for _ in range(rows))

    def reading(model: Any) -> Callable[[], int]:  # noqa: ANN401  # peers have no types
        return lambda: len(list(model.objects.values_list(*PAIR)))

    contestants: dict[str, contest.Work] = {
        OURS: lambda: sum(1 for _ in vault.open_in_bulk(Credential.objects.all()))
    }
    contestants |= {name: reading(model) for name, model in models.items()}
    return contest.hold("Read and open all rows", contestants, rounds=rounds)


def store_credentials(count: int) -> None:
    """Keychains of three credentials each, in bulk."""
    half = SecretStr("k" * 32)
    plaintext = secrets.encode(secrets.ApiKeySecret(half, half))
    rows = []
    for chain, key in make_keychains(count // CREDENTIALS_EACH):
        cipher = ciphers.cipher_of(keychain=chain.id.hex, kek_id=key.kek_id, wrapped=key.wrapped)
        for _ in range(CREDENTIALS_EACH):
            row = Credential(id=uuid.uuid4(), keychain=chain, fingerprint=uuid.uuid4().hex)
            place = envelope.place(
                keychain=chain.id.hex, record=row.id.hex, field="credential", version=1
            )
            row.sealed = envelope.seal(cipher=cipher, plaintext=plaintext, place=place)
            rows.append(row)
    Credential.objects.bulk_create(rows, batch_size=2000)
