"""What every release has written still opens; add a file for each release by write.py."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyvault import envelope
from keyvault.kek.local import LocalProvider
from keyvault.kek.provider import WrappedKey

FILES = sorted(Path(__file__).parent.glob("*.json"))


def test_there_is_a_golden_file() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_that_release_wrote_opens(path: Path, tmp_path: Path) -> None:
    golden = json.loads(path.read_text())
    keyring = tmp_path / "keyring.json"
    keyring.touch(mode=0o600)
    keyring.write_text(golden["keyring"])
    key = WrappedKey(golden["kek_id"], bytes.fromhex(golden["wrapped"]))
    dek = AESGCM(LocalProvider(keyring).unwrap(key=key, keychain=golden["keychain"]))
    for row in golden["records"]:
        place = envelope.place(
            keychain=golden["keychain"],
            record=row["record"],
            field=row["field"],
            version=row["version"],
        )
        sealed = bytes.fromhex(row["sealed"])
        opened = envelope.open_sealed(cipher=dek, sealed=sealed, place=place)
        assert opened.hex() == row["plaintext"]
