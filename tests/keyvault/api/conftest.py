"""A backend that may do everything, for each test of the API."""

import pytest

from tests.keyvault.lending import Api, token_of


@pytest.fixture
def backend(db: None) -> Api:
    return Api(token_of())
