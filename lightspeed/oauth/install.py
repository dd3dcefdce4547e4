"""The C-Series partner app: a shop installs it, and key and secret follow from a signed call.

    signature = md5("language=…shop_id=…timestamp=…token=…" + APP_SECRET)     names sorted
    key       = APP_KEY
    secret    = md5(token + APP_SECRET)

`cluster_id` is not signed; uninstall and cancel carry no `token`. MD5 is the vendor's choice; it is
keyed here by a secret at the end, and a time limit bounds what a captured address is worth.
Source: LIGHTSPEED.md section 4 [D].
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from lightspeed.clusters import CLUSTERS
from lightspeed.oauth.errors import CallbackError

SIGNED = ("language", "shop_id", "timestamp", "token")
#: How far the vendor's clock and the merchant's way may be apart.
MAX_AGE_SECONDS = 600
_VALUE = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, slots=True)
class Install:
    """A shop that installed the partner app.

    Attributes:
        shop_id: the vendor's number of the shop.
        language: two letters.
        cluster: `eu1` or `us1`; empty when the call did not say.
        key: the operator's app key.
        secret: this shop's own.
    """

    shop_id: int
    language: str
    cluster: str
    key: SecretStr
    secret: SecretStr


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
        CallbackError: a part is missing or malformed, the signature is wrong, or it is too old.
    """
    values = {name: parameters.get(name, "") for name in (*SIGNED, "signature")}
    if not all(_VALUE.fullmatch(value) for value in values.values()):
        raise CallbackError
    expected = sign(parameters=values, app_secret=app_secret)
    if not hmac.compare_digest(expected, values["signature"].lower()):
        raise CallbackError
    if not (values["shop_id"].isdecimal() and values["timestamp"].isdecimal()):
        raise CallbackError
    if abs(now - int(values["timestamp"])) > MAX_AGE_SECONDS:
        raise CallbackError
    cluster = parameters.get("cluster_id", "")
    return Install(
        shop_id=int(values["shop_id"]),
        language=values["language"],
        cluster=cluster if cluster in CLUSTERS else "",
        key=app_key,
        secret=SecretStr(_md5(values["token"] + app_secret.get_secret_value())),
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
