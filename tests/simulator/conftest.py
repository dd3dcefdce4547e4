from collections.abc import Iterator

import pytest

from simulator.running import RunningSimulator
from tests.simulator.stand_in import KEY, SECRET


@pytest.fixture(scope="package")
def _shared_simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator(limits="100000/300,200000/3600,300000/86400") as running:
        yield running


@pytest.fixture
def simulator(_shared_simulator: RunningSimulator) -> RunningSimulator:
    """A running stand-in that knows the test's key, with nothing planned and nothing counted."""
    _shared_simulator.put_key(key=KEY, secret=SECRET, cluster="eu1", enabled=True, language="en")
    _shared_simulator.reset()
    return _shared_simulator
