"""Rules that the sources and the lists of requirements keep."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import BASE_DIR

PACKAGES = ("config", "keyvault", "lightspeed", "onboarding")
# Other implementations of what `cryptography` does, and what must never be one.
FOREIGN_CRYPTO = {"Crypto", "Cryptodome", "nacl", "pyaes", "rsa", "ecdsa", "M2Crypto", "OpenSSL"}
LOCKS = ("base", "prod", "dev", "uv")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (BASE_DIR / package).rglob("*.py")


def test_nothing_is_encrypted_by_another_library() -> None:
    found = {
        (path.name, name)
        for path in _sources()
        for name in _imports(path)
        if name.split(".")[0] in FOREIGN_CRYPTO
    }

    assert found == set()


def test_no_cipher_but_gcm_is_used() -> None:
    found = {
        name
        for path in _sources()
        for name in _imports(path)
        if re.match(r"cryptography\.(fernet|hazmat\.primitives\.(ciphers|keywrap|padding))", name)
    }

    assert found == {"cryptography.hazmat.primitives.ciphers.aead.AESGCM"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_by_version_and_hash(lock: str) -> None:
    text = (BASE_DIR / "requirements" / f"{lock}.txt").read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"\s*\\\n\s+", " ", text).strip())

    assert entries
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_no_list_of_requirements_names_a_host(lock: str) -> None:
    text = (BASE_DIR / "requirements" / f"{lock}.txt").read_text()

    assert "://" not in text
    assert "index-url" not in text


def test_a_store_is_locked_so_that_rows_which_refer_to_it_can_still_be_written() -> None:
    """A plain FOR UPDATE makes the check of a foreign key wait, and two pastes deadlock."""
    found = [
        path.name
        for path in _sources()
        if re.search(r"\bStore\.objects(\.\w+\([^)]*\))*\.select_for_update\(\)", path.read_text())
    ]

    assert found == []
