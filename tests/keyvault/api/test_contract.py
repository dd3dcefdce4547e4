"""The API does what its OpenAPI document says, whatever it is sent."""

import re
import uuid
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from keyvault.leases import LeaseAsk, issue_lease
from keyvault.leases.values import MOST_PERMITS
from keyvault.models import Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, key_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
# Whatever a settlement names was permitted.
MOST = LeaseAsk(permits=MOST_PERMITS)
LIMITS = [[1, MOST_PERMITS]]


@pytest.fixture
def store(db: None) -> Keychain:
    store = factories.keychain()
    key_of(store, limits=LIMITS)
    return store


def _once(case: Case) -> None:
    """A key that may be used is one that was not used: else it stands for another request."""
    for name in case.headers or {}:
        if name == "Idempotency-Key" and re.fullmatch(r"[!-~]{1,255}", str(case.headers[name])):
            case.headers[name] = str(uuid.uuid4())


@pytest.fixture(autouse=True)
def _connection_stays_open() -> Iterator[None]:
    """As Django's own test client does: the test's transaction must outlive a request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def test_every_answer_to_nonsense_is_a_declared_refusal(backend: Api, store: Keychain) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())

    for operation in [each.ok() for each in schema.get_all_operations()]:

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def check(case: Case) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {backend.token}"})

        check()


def test_every_answer_is_declared(backend: Api, store: Keychain) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
    operations = [each.ok() for each in schema.get_all_operations()]
    assert len(operations) >= 5

    for operation in operations:

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(), is_known=st.booleans())
        def check(case: Case, is_known: bool) -> None:
            if "store_id" in case.path_parameters:
                case.path_parameters["store_id"] = str(store.pk)
            if is_known:
                # A key of its own: a settlement may end its being lent.
                key_of(store, limits=LIMITS)
            if is_known and "lease_id" in case.path_parameters:
                lease = issue_lease(digest=backend.digest, keychain_id=store.pk, ask=MOST)
                case.path_parameters["lease_id"] = str(lease.id)
            _once(case)
            case.call_and_validate(headers={"Authorization": f"Bearer {backend.token}"})

        check()
