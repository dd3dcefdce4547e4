"""A hundred kills -9 in a rotation; make test has a smaller one."""

import secrets
from pathlib import Path

import pytest

from tests.keyvault.rotation.killing import Installation, finish, kill_and_check

# Longer than a whole run, its start included, takes: some kills come too late on purpose.
LONGEST_SECONDS = 8.0


@pytest.mark.timeout(3600)
def test_a_hundred_kills_in_a_rotation_of_a_hundred_thousand_lose_nothing(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.run("-m", "tests.keyvault.rotation.keychains", "make", "100000")
    for _ in range(100):
        seconds = secrets.randbelow(1000) / 1000 * LONGEST_SECONDS
        kill_and_check(installation, keychains=100_000, seconds=seconds)
    finish(installation, keychains=100_000)
