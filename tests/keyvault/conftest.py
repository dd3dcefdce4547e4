"""What the vault's tests share: a folder of their own for what is written outside."""

from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def _own_sink(settings: Settings, tmp_path: Path) -> None:
    settings.KEYVAULT_CHECKPOINTS = tmp_path / "checkpoints.jsonl"
