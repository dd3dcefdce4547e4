"""The C-Series partner app: a shop installs it, and key and secret follow from a signed call.

    signature = md5("language=…shop_id=…timestamp=…token=…" + APP_SECRET)     names sorted
    key       = APP_KEY
    secret    = md5(token + APP_SECRET)

`cluster_id` is not signed; uninstall and cancel carry no `token`. MD5 is the vendor's choice; it is
keyed here by a secret at the end, and a time limit bounds what a captured address is worth. A call
works as often as it is shown until then: remembering the ones that were used is for the caller.
Source: LIGHTSPEED.md section 4 [D].
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from lightspeed.clusters import CLUSTERS
from lightspeed.oauth.errors import CallbackError, CallTooOldError

#: Ours, for rows and addresses; no provider of OAuth.
APP_NAME = "ecom-app"
APP_TITLE = "Lightspeed eCom (C-Series) app"
SIGNED = ("language", "shop_id", "timestamp", "token")
SIGNED_ENDING = ("language", "shop_id", "timestamp")
#: How far the vendor's clock and the merchant's way may be apart.
MAX_AGE_SECONDS = 600
_SHAPES = {
    "language": re.compile(r"[a-z]{2}"),
    "shop_id": re.compile(r"[1-9][0-9]{0,17}"),
    "timestamp": re.compile(r"[1-9][0-9]{0,11}"),
    "token": re.compile(r"[A-Za-z0-9_-]{1,128}"),
}


@dataclass(frozen=True, slots=True)
class Install:
    """A shop that installed the partner app.

    Attributes:
        shop_id: the vendor's number of the shop.
        language: two letters.
        cluster: `eu1` or `us1`; empty when the call did not say. Nobody signed it.
        called_at: seconds since 1970 on the vendor's clock.
        key: the operator's app key, the same for every shop.
        secret: this shop's own.
    """

    shop_id: int
    language: str
    cluster: str
    called_at: int
    key: SecretStr
    secret: SecretStr


@dataclass(frozen=True, slots=True)
class Ending:
    """A shop that took the app out, or did not go through with it.

    Attributes:
        shop_id: the vendor's number of the shop.
        called_at: seconds since 1970 on the vendor's clock.
    """

    shop_id: int
    called_at: int


def sign(*, parameters: Mapping[str, str], app_secret: SecretStr) -> str:
    """Return the signature that a call with these parameters must carry."""
    text = "".join(f"{name}={parameters[name]}" for name in SIGNED if name in parameters)
    return _md5(text + app_secret.get_secret_value())


def read_install(
    *,
    parameters: Mapping[str, str],
    app_key: SecretStr,
    app_secret: SecretStr,
    now: float,
) -> Install:
    """Check a call of the success address and derive the shop's credential.

    Args:
        parameters: the query, as it came.
        app_key: the operator's.
        app_secret: the operator's.
        now: seconds since 1970.

    Raises:
        CallbackError: a part is missing or malformed, or the signature is wrong.
        CallTooOldError: it is signed, but not of this moment.
    """
    values = _checked(names=SIGNED, parameters=parameters, app_secret=app_secret, now=now)
    cluster = parameters.get("cluster_id", "")
    return Install(
        shop_id=int(values["shop_id"]),
        language=values["language"],
        cluster=cluster if cluster in CLUSTERS else "",
        called_at=int(values["timestamp"]),
        key=app_key,
        secret=SecretStr(_md5(values["token"] + app_secret.get_secret_value())),
    )


def read_ending(*, parameters: Mapping[str, str], app_secret: SecretStr, now: float) -> Ending:
    """Check a call of the uninstall or the cancel address; they are signed alike.

    A `token` in it is not looked at: a call of the success address is not one of these.

    Raises:
        CallbackError, CallTooOldError: as for `read_install`.
    """
    values = _checked(names=SIGNED_ENDING, parameters=parameters, app_secret=app_secret, now=now)
    return Ending(shop_id=int(values["shop_id"]), called_at=int(values["timestamp"]))


def _checked(
    *, names: tuple[str, ...], parameters: Mapping[str, str], app_secret: SecretStr, now: float
) -> dict[str, str]:
    values = {name: parameters.get(name, "") for name in names}
    if not all(_SHAPES[name].fullmatch(value) for name, value in values.items()):
        raise CallbackError
    expected = sign(parameters=values, app_secret=app_secret)
    given = parameters.get("signature", "").lower().encode()
    if not hmac.compare_digest(expected.encode(), given):
        raise CallbackError
    if abs(now - int(values["timestamp"])) > MAX_AGE_SECONDS:
        raise CallTooOldError
    return values


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
