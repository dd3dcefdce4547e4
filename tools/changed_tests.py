"""Print the tests that belong to what has changed since the last commit, for the inner loop.

`keyvault/pool/keys.py` belongs to `tests/keyvault/pool`, `templates/onboarding/stores/…` to
`tests/onboarding/stores`, a test to itself. Without changes, or without git, the rules that
everything else stands on are printed.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = (
    "tests/keyvault/test_envelope.py",
    "tests/keyvault/test_windows.py",
    "tests/keyvault/api/test_leases.py",
    "tests/keyvault/vault",
    "tests/onboarding/submission/test_once.py",
    "tests/onboarding/test_outsiders.py",
)


def changed_files() -> list[str]:
    """Paths that differ from the last commit, new ones included; none without git."""
    command = ["git", "status", "--porcelain", "--no-renames", "--untracked-files=all"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError):
        return []
    return [line[3:] for line in done.stdout.splitlines()]


def mirrors_of(path: str) -> Iterator[str]:
    """The most particular test file or folder that mirrors a path."""
    parts = Path(path).parts
    if parts[0] == "tests":
        if parts[-1].startswith("test_") and (ROOT / path).exists():
            yield path
        return
    inside = parts[1:] if parts[0] == "templates" else parts
    for depth in range(len(inside), 0, -1):
        folder = Path("tests", *inside[:depth])
        for test in (folder, folder.parent / f"test_{folder.stem}.py"):
            if (ROOT / test).exists():
                yield str(test)
                return


def main() -> int:
    """Print the tests, one a line."""
    found = sorted({test for path in changed_files() for test in mirrors_of(path)})
    sys.stdout.write("\n".join(found or CORE) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
