"""Installations to break: one is prepared for all, and each test breaks a copy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.installation import Installation
from tools.postgres import PostgresServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here kills or fills something: make faults, never make test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One on SQLite, with demo data, that is never started."""
    installation = Installation(tmp_path_factory.mktemp("prepared") / "data")
    installation.prepare()
    return installation


@pytest.fixture
def site(prepared: Installation, tmp_path: Path) -> Iterator[Installation]:
    """A copy of it; whatever the test starts is stopped."""
    installation = Installation(tmp_path / "data").copied_from(prepared)
    yield installation
    installation.stop()


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def site_on_postgres(postgres: PostgresServer, tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "data", database_url=postgres.url)
    installation.prepare()
    yield installation
    installation.stop()
