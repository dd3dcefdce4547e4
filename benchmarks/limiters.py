"""The limiter libraries that the pool is measured beside: installed by hash, away from ours."""

import importlib.util
import sys

from benchmarks.custody.peers import FOLDER
from benchmarks.custody.peers import install as install_peers
from benchmarks.policies import LIBRARIES

__all__ = ["FOLDER", "install"]


def install() -> list[str]:
    """Puts them where this run finds them; the names of those that can be had."""
    install_peers()
    found = []
    for name in LIBRARIES:
        if importlib.util.find_spec(name.replace("-", "_")):
            found.append(name)
        else:
            sys.stdout.write(f"{name} left out: it is not to be had here\n")
    return found
