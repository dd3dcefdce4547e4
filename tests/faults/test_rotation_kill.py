"""A hundred kills -9 in a rotation; make test has a smaller one."""

import secrets
from pathlib import Path

import pytest

from tests.keyvault.rotation.killing import Installation, finish, kill_and_check

KEYCHAINS = 100_000
KILLS = 100


@pytest.mark.timeout(3600)
def test_a_hundred_kills_in_a_rotation_of_a_hundred_thousand_lose_nothing(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.run("-m", "tests.keyvault.rotation.keychains", str(KEYCHAINS))
    for _ in range(KILLS):
        after = 1 + secrets.randbelow(KEYCHAINS - 1)
        kill_and_check(installation, keychains=KEYCHAINS, after=after)
    finish(installation, keychains=KEYCHAINS)
