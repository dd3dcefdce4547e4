"""The API does what its OpenAPI document says, whatever it is sent."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import Case

from keyvault.models import Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def store(db: None) -> Keychain:
    store = factories.keychain()
    key_of(store)
    return store


@pytest.fixture(autouse=True)
def _connection_stays_open() -> Iterator[None]:
    """As Django's own test client does: the test's transaction must outlive a request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def test_every_answer_is_declared(backend: Api, store: Keychain) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) >= 5

    for operation in operations:

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: Case) -> None:
            if "store_id" in case.path_parameters:
                case.path_parameters["store_id"] = str(store.pk)
            case.call_and_validate(headers={"Authorization": f"Bearer {backend.token}"})

        check()
