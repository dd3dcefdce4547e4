import hashlib

import pytest
from pydantic import SecretStr

from lightspeed.oauth.errors import CallbackError, CallTooOldError
from lightspeed.oauth.install import (
    MAX_AGE_SECONDS,
    Ending,
    Install,
    read_ending,
    read_install,
    sign,
)

NOW = 1_800_000_000
APP_SECRET = SecretStr("canary-app-secret")
CALL = {
    "language": "nl",
    "shop_id": "300001",
    "timestamp": str(NOW),
    "token": "t0ken",
    "cluster_id": "us1",
}


def signed(**changes: str) -> dict[str, str]:
    call = {**CALL, **changes}
    return {**call, "signature": sign(parameters=call, app_secret=APP_SECRET)}


def install(parameters: dict[str, str], *, now: float = NOW) -> Install:
    return read_install(
        parameters=parameters, app_key=SecretStr("app-key"), app_secret=APP_SECRET, now=now
    )


def test_key_and_secret_follow_from_a_signed_call() -> None:
    found = install(signed())
    assert (found.shop_id, found.language, found.cluster) == (300001, "nl", "us1")
    assert found.key.get_secret_value() == "app-key"
    expected = hashlib.md5(b"t0kencanary-app-secret").hexdigest()  # noqa: S324 - the vendor's
    assert found.secret.get_secret_value() == expected


def test_the_signature_is_the_documented_one() -> None:
    text = f"language=nlshop_id=300001timestamp={NOW}token=t0kencanary-app-secret"
    assert signed()["signature"] == hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the vendor's


def test_the_cluster_is_not_signed_and_an_unknown_one_is_empty() -> None:
    assert install({**signed(), "cluster_id": "mars"}).cluster == ""


def test_uninstall_is_signed_without_a_token() -> None:
    call = {name: value for name, value in CALL.items() if name != "token"}
    text = f"language=nlshop_id=300001timestamp={NOW}canary-app-secret"
    expected = hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - the vendor's
    assert sign(parameters=call, app_secret=APP_SECRET) == expected


@pytest.mark.parametrize("name", ["language", "shop_id", "timestamp", "token", "signature"])
def test_a_changed_part_is_refused(name: str) -> None:
    parameters = signed()
    parameters[name] = "1" + parameters[name][1:]
    if parameters == signed():
        parameters[name] = "2" + parameters[name][1:]
    with pytest.raises(CallbackError):
        install(parameters)


@pytest.mark.parametrize("name", ["language", "shop_id", "timestamp", "token", "signature"])
def test_a_missing_part_is_refused(name: str) -> None:
    parameters = signed()
    del parameters[name]
    with pytest.raises(CallbackError):
        install(parameters)


@pytest.mark.parametrize("changes", [{"shop_id": "abc"}, {"timestamp": "soon"}])
def test_numbers_must_be_numbers_even_when_signed(changes: dict[str, str]) -> None:
    with pytest.raises(CallbackError):
        install(signed(**changes))


@pytest.mark.parametrize("seconds", [-MAX_AGE_SECONDS - 1, MAX_AGE_SECONDS + 1])
def test_an_old_call_is_refused(seconds: float) -> None:
    with pytest.raises(CallTooOldError):
        install(signed(), now=NOW + seconds)


def signed_ending(**changes: str) -> dict[str, str]:
    call = {name: value for name, value in CALL.items() if name != "token"} | changes
    return {**call, "signature": sign(parameters=call, app_secret=APP_SECRET)}


def ending(parameters: dict[str, str], *, now: float = NOW) -> Ending:
    return read_ending(parameters=parameters, app_secret=APP_SECRET, now=now)


def test_an_ending_names_its_shop_and_time() -> None:
    assert ending(signed_ending()) == Ending(shop_id=300001, called_at=NOW)


def test_a_call_of_one_address_is_none_of_the_other() -> None:
    with pytest.raises(CallbackError):
        ending(signed())
    with pytest.raises(CallbackError):
        install({**signed_ending(), "token": "t0ken"})


@pytest.mark.parametrize("name", ["language", "shop_id", "timestamp", "signature"])
def test_an_ending_with_a_changed_part_is_refused(name: str) -> None:
    parameters = signed_ending()
    parameters[name] = "9" + parameters[name][1:] + "9"
    with pytest.raises(CallbackError):
        ending(parameters)


def test_an_old_ending_is_refused() -> None:
    with pytest.raises(CallTooOldError):
        ending(signed_ending(), now=NOW + MAX_AGE_SECONDS + 1)


@pytest.mark.parametrize(
    "changes",
    [{"language": "nl-NL"}, {"shop_id": "0"}, {"shop_id": "9" * 19}, {"timestamp": "9" * 13}],
)
def test_what_no_column_could_hold_is_refused_even_when_signed(changes: dict[str, str]) -> None:
    with pytest.raises(CallbackError):
        install(signed(**changes))


def test_a_signature_that_is_no_ascii_is_refused() -> None:
    with pytest.raises(CallbackError):
        install({**signed(), "signature": "é" * 32})
