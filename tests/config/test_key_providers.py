"""Choosing a KEK provider by the environment."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.engines import key_providers
from config.reading import read_environment


def test_without_settings_the_keyring_wraps() -> None:
    assert key_providers(read_environment()) == {"provider": "local"}


@pytest.mark.parametrize("provider", ["vault-transit", "aws-kms"])
def test_a_chosen_provider_without_its_settings_stops_the_start(
    provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATCHKEY_KEK_PROVIDER", provider)
    with pytest.raises(ImproperlyConfigured, match=f"provider {provider} needs it"):
        read_environment()


@pytest.mark.parametrize("name", ["LATCHKEY_TRANSIT_ADDRESS", "LATCHKEY_CHECKPOINT_WEBHOOK"])
def test_only_this_machine_is_spoken_to_without_encryption(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ("https://bao.example.test:8200", "http://127.0.0.1:8200"):
        monkeypatch.setenv(name, address)
        read_environment()
    monkeypatch.setenv(name, "http://bao.example.test:8200")
    with pytest.raises(ImproperlyConfigured, match="https://"):
        read_environment()


def test_all_providers_can_be_set_at_once_to_move_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LATCHKEY_KEK_PROVIDER", "vault-transit")
    monkeypatch.setenv("LATCHKEY_TRANSIT_ADDRESS", "https://bao.example.test")
    monkeypatch.setenv("LATCHKEY_TRANSIT_TOKEN", "obviously-fake-token")
    monkeypatch.setenv("LATCHKEY_TRANSIT_CA_FILE", "/etc/ssl/bao.pem")
    monkeypatch.setenv("LATCHKEY_AWS_KMS_ALIAS", "alias/latchkey")
    monkeypatch.setenv("LATCHKEY_AWS_KMS_REGION", "eu-west-1")
    providers = key_providers(read_environment())
    assert providers["provider"] == "vault-transit"
    assert providers["vault-transit"]["ca_file"] == "/etc/ssl/bao.pem"
    assert providers["aws-kms"]["alias"] == "alias/latchkey"
    assert "obviously-fake" not in repr(providers)
