"""The vendor's permissions in words."""

import pytest

from lightspeed.oauth.provider import Scope
from lightspeed.oauth.registry import PROVIDERS
from onboarding.oauth.scopes import scope_label

SCOPES = [scope for provider in PROVIDERS.values() for scope in provider.scopes]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.name)
def test_every_permission_has_words_to_translate(scope: Scope) -> None:
    assert scope_label(scope) == scope.label
