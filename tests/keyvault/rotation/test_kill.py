"""kill -9 in a rotation: every DEK unwraps under the KEK that it names; a second run finishes."""

from pathlib import Path

import pytest

from tests.keyvault.rotation.killing import Installation, finish, kill_and_check


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_kills_in_a_rotation_lose_nothing(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.run("-m", "tests.keyvault.rotation.keychains", "make", "6000")
    for seconds in (1.2, 1.8, 2.4):
        kill_and_check(installation, keychains=6_000, seconds=seconds)
    finish(installation, keychains=6_000)
