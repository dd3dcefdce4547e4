"""A keyring of the test's own, for tests that change it."""

from pathlib import Path

import pytest
from pytest_django import Settings

from keyvault.kek.local import create_keyring


@pytest.fixture(autouse=True)
def own_keyring(settings: Settings, tmp_path: Path) -> Path:
    settings.KEYVAULT_KEYRING = tmp_path / "keyring.json"
    create_keyring(settings.KEYVAULT_KEYRING)
    return Path(settings.KEYVAULT_KEYRING)
