from collections.abc import Iterator

import pytest

from simulator.running import RunningSimulator


@pytest.fixture(scope="package")
def _shared() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def vendor(_shared: RunningSimulator) -> RunningSimulator:
    """A simulated vendor as its documentation describes it."""
    _shared.reset()
    return _shared
