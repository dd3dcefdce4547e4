import ast
from pathlib import Path

import simulator

ROOT = Path(simulator.__file__).parent
OURS = {"client", "config", "keyvault", "lightspeed", "onboarding", "django"}


def imported_roots(path: Path) -> set[str]:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").partition(".")[0])
    return roots


def test_the_stand_in_shares_no_code_with_what_it_is_a_test_for() -> None:
    imported = set().union(*map(imported_roots, ROOT.rglob("*.py")))
    assert "simulator" in imported
    assert not imported & OURS
