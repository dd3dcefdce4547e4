from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.keyvault.renewal.vendor import VENDOR, FakeVendor


@pytest.fixture(autouse=True)
def vendor(settings: Settings) -> Iterator[FakeVendor]:
    settings.KEYVAULT_RENEWER = "tests.keyvault.renewal.vendor.VENDOR"
    settings.KEYVAULT_RENEWAL_THREADS = 1
    settings.KEYVAULT_ENDPOINTS = {
        **settings.KEYVAULT_ENDPOINTS,
        "retail-r": "https://api.retail.test/",
    }
    VENDOR.reset()
    yield VENDOR
    VENDOR.reset()
