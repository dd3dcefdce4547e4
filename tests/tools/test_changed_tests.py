"""The inner loop runs the tests of what has changed."""

from pathlib import Path

import pytest

from tools.changed_tests import CORE, mirrors_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("changed", "tests"),
    [
        ("keyvault/pool/duties.py", ["tests/keyvault/pool"]),
        ("keyvault/windows/state.py", ["tests/keyvault/test_windows.py"]),
        ("templates/onboarding/stores/store.html", ["tests/onboarding/stores"]),
        ("tests/keyvault/test_due.py", ["tests/keyvault/test_due.py"]),
        ("tests/keyvault/factories.py", []),
        ("simulator/windows.py", ["tests/simulator/test_windows.py"]),
        ("README.md", []),
    ],
)
def test_a_change_leads_to_the_tests_that_mirror_it(changed: str, tests: list[str]) -> None:
    assert list(mirrors_of(changed)) == tests


@pytest.mark.parametrize("path", CORE)
def test_what_runs_without_a_change_exists(path: str) -> None:
    assert (ROOT / path).exists()
