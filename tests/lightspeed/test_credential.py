import base64

import pytest
from pydantic import SecretStr

from lightspeed.clusters import CLUSTERS
from tests.lightspeed.vendor import KEY, SECRET, make_credential


def test_key_and_secret_are_sent_as_basic_authorization() -> None:
    scheme, _, token = make_credential().authorization().partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(token).decode() == f"{KEY}:{SECRET}"


def test_half_a_character_is_sent_as_something_rather_than_shown_in_an_error() -> None:
    token = make_credential(key=SecretStr("\ud800")).authorization().removeprefix("Basic ")
    assert base64.b64decode(token).decode() == f"?:{SECRET}"


def test_swapping_exchanges_key_and_secret_and_nothing_else() -> None:
    swapped = make_credential().swapped()
    assert swapped == make_credential(key=SecretStr(SECRET), secret=SecretStr(KEY))


@pytest.mark.parametrize(
    "base_url", [cluster.base_url for cluster in CLUSTERS.values()] + ["http://127.0.0.1:8001/"]
)
def test_a_root_of_an_api_is_taken(base_url: str) -> None:
    assert make_credential(base_url=base_url).base_url == base_url


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("base_url", ""),
        ("base_url", "https://api.webshopapp.com"),
        ("base_url", "https://user:pass@api.webshopapp.com/"),
        ("base_url", "https://api.webshopapp.com/en/"),
        ("base_url", "https://api.webshopapp.com/?"),
        ("base_url", "file:///etc/"),
        ("base_url", "https://0177.0.0.1/"),
        ("base_url", "https://api.webshopapp.com:99999/"),
        ("language", ""),
        ("language", "EN"),
        ("language", "eng"),
        ("language", "../"),
        ("language", "e\n"),
        ("key", SecretStr("")),
        ("key", SecretStr("k" * 256)),
        ("secret", SecretStr("")),
        ("secret", SecretStr("s" * 256)),
    ],
)
def test_a_part_out_of_bounds_is_named_without_its_value(part: str, value: object) -> None:
    with pytest.raises(ValueError, match=part) as caught:
        make_credential(**{part: value})
    assert str(caught.value) == f"The {part} of an eCom credential is not usable."
