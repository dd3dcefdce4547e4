"""The R-Series API key of before 2017, which a merchant migrates from (LIGHTSPEED.md section 5).

Sent by Basic authentication as `KEY:apikey` to the same resources. [I]
"""

import base64
import re

import httpx2
from pydantic import SecretStr

from lightspeed.oauth.account import RetailAccount, read_account
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES

#: What stands in the place of a password.
LEGACY_PASSWORD = "apikey"  # noqa: S105  # the vendor's own constant
#: Under the root of the provider's API.
LEGACY_ACCOUNT_PATH = "API/Account.json"
_KEY = re.compile(r"[!-9;-~]{8,128}")


def is_legacy_key(text: str) -> bool:
    """Tell whether a text could be such a key: printable, without spaces or colons."""
    return _KEY.fullmatch(text) is not None


def check_legacy_key(
    *, key: SecretStr, transport: httpx2.BaseTransport, provider: Provider = R_SERIES
) -> RetailAccount:
    """Ask the vendor whose account a legacy key opens; one request.

    Raises:
        CredentialRefusedError: the vendor refuses it, or refuses all keys by now.
        VendorError: an outage; says nothing of the key.
    """
    pair = f"{key.get_secret_value()}:{LEGACY_PASSWORD}"
    encoded = base64.b64encode(pair.encode(errors="replace")).decode()
    return read_account(
        provider=provider,
        authorization=SecretStr(f"Basic {encoded}"),
        shop="",
        transport=transport,
        url=f"{provider.api_url}{LEGACY_ACCOUNT_PATH}",
    )
