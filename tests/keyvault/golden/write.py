"""Writes the golden file of a release: python -m tests.keyvault.golden.write VERSION.

Run it once for a release, in a folder of its own, and never again for the same one: what a release
has written must open in every later release. The keys in it are random and belong to nobody.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyvault import envelope
from keyvault.kek.local import LocalProvider, create_keyring

FOLDER = Path(__file__).parent


def golden() -> dict[str, object]:
    """A keyring, a DEK that it wraps, and records that the DEK seals."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keyring.json"
        create_keyring(path)
        keychain, dek = os.urandom(16).hex(), envelope.new_dek()
        key = LocalProvider(path).wrap(dek=dek, keychain=keychain)
        keyring = path.read_text()
    records = []
    for field, version, plaintext in (
        ("credential", 1, b"\x01\x00\x20" + b"k" * 32 + b"s" * 32),
        ("credential", 7, b""),
        ("draft", 1, "naïve ☃".encode()),
        ("refresh", 2, bytes(range(256))),
    ):
        record = os.urandom(16).hex()
        place = envelope.place(keychain=keychain, record=record, field=field, version=version)
        sealed = envelope.seal(cipher=AESGCM(dek), plaintext=plaintext, place=place)
        records.append(
            {
                "record": record,
                "field": field,
                "version": version,
                "plaintext": plaintext.hex(),
                "sealed": sealed.hex(),
            }
        )
    return {
        "keyring": keyring,
        "keychain": keychain,
        "kek_id": key.kek_id,
        "wrapped": key.wrapped.hex(),
        "records": records,
    }


if __name__ == "__main__":
    target = FOLDER / f"{sys.argv[1]}.json"
    with target.open("x") as file:
        json.dump(golden(), file, indent=1)
