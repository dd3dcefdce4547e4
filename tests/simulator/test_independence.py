import ast
import sys
from pathlib import Path

import simulator

ROOT = Path(simulator.__file__).parent


def imported_roots(path: Path) -> set[str]:
    roots = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            roots |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add((node.module or "").partition(".")[0])
    return roots


def test_the_stand_in_needs_nothing_but_python() -> None:
    imported = set().union(*map(imported_roots, ROOT.rglob("*.py")))
    assert imported <= {*sys.stdlib_module_names, "simulator"}
