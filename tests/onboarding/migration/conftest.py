from collections.abc import Iterator

import pytest

from keyvault.retirement import forget_kept
from tests.onboarding.oauth.conftest import vendor

__all__ = ["vendor"]


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    forget_kept()
    yield
    forget_kept()
