"""A backend that may do everything, and a store."""

import pytest

from keyvault.models import Keychain
from tests.keyvault import factories
from tests.keyvault.lending import Api, token_of


@pytest.fixture
def backend(db: None) -> Api:
    return Api(token_of())


@pytest.fixture
def store(db: None) -> Keychain:
    return factories.keychain()
