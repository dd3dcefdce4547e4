"""kill -9 in a rotation: every DEK unwraps under the KEK that it names; a second run finishes."""

from pathlib import Path

import pytest

from tests.keyvault.rotation.killing import Installation, finish, kill_and_check

KEYCHAINS = 20_000


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_three_kills_in_a_rotation_lose_nothing(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.run("-m", "tests.keyvault.rotation.keychains", str(KEYCHAINS))
    for after in (2000, 9000, 6000):
        left = kill_and_check(installation, keychains=KEYCHAINS, after=after)
        assert 0 < left <= KEYCHAINS - after
    finish(installation, keychains=KEYCHAINS)
