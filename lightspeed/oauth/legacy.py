"""The R-Series API key of before 2017, which a merchant migrates from (LIGHTSPEED.md section 5).

Sent by Basic authentication as `KEY:apikey` to the same resources. [I]
"""

import base64
import re
from datetime import UTC, datetime

import httpx2
from pydantic import SecretStr

from lightspeed.errors import (
    CredentialRefusedError,
    ThrottledError,
    UnreadableAnswerError,
    VendorError,
)
from lightspeed.oauth.account import RetailAccount, read_account
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES
from lightspeed.result import CheckResult, Outcome

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


def check_legacy_account(
    *,
    key: SecretStr,
    transport: httpx2.BaseTransport,
    provider: Provider = R_SERIES,
    expected_account: int | None,
) -> CheckResult:
    """Check a stored legacy key as `lightspeed.check` does an eCom key; one request.

    There are no permissions to tick: what such a key may do is not told.

    Args:
        key: the key.
        transport: see `lightspeed.outbound`.
        provider: whose API.
        expected_account: the account of the store; None: whichever it is.
    """
    asked_at = datetime.now(tz=UTC)
    try:
        account = check_legacy_key(key=key, transport=transport, provider=provider)
    except CredentialRefusedError as error:
        return _found(Outcome.REFUSED, asked_at=asked_at, error=error)
    except ThrottledError as error:
        return _found(Outcome.THROTTLED, asked_at=asked_at, error=error)
    except UnreadableAnswerError as error:
        return _found(Outcome.UNREADABLE, asked_at=asked_at, error=error)
    except VendorError as error:
        return _found(Outcome.UNAVAILABLE, asked_at=asked_at, error=error)
    is_ours = expected_account is None or account.id == str(expected_account)
    return _found(Outcome.PASSED if is_ours else Outcome.OTHER_SHOP, asked_at=asked_at)


def _found(
    outcome: Outcome, *, asked_at: datetime, error: VendorError | None = None
) -> CheckResult:
    return CheckResult(
        outcome=outcome,
        permissions=None,
        missing=(),
        unchecked=(),
        shop=None,
        account_id=None,
        limits=(),
        request_times=(asked_at,),
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
        status=error.status if error else None,
        problem=error.problem if error else None,
    )
