"""Asking the vendor about a pair, with the addresses and rights of this installation."""

from functools import lru_cache

from django.conf import settings

from keyvault.models import Credential
from keyvault.vault import ApiKeySecret
from lightspeed.check import check_credential
from lightspeed.credential import EComCredential
from lightspeed.ecom import EComClient
from lightspeed.oauth.legacy import check_legacy_account
from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES
from lightspeed.outbound.addresses import allowed_addresses
from lightspeed.outbound.transport import OutboundTransport
from lightspeed.ratelimits import DEFAULT_LIMITS, WindowReading
from lightspeed.result import CheckResult
from onboarding.walkthrough.selectors import required_permissions

# The usual number of requests of one check: permissions, shop, account.
USUAL_REQUESTS = 3
# What the names of eCom's addresses in settings.KEYVAULT_ENDPOINTS begin with.
ENDPOINT_PREFIX = "ecom-"
# R-Series keys of before OAuth.
LEGACY_ENDPOINT = "retail-r-key"


def endpoint_of(cluster: str) -> str:
    """The name of a cluster's address in settings.KEYVAULT_ENDPOINTS."""
    return f"{ENDPOINT_PREFIX}{cluster}"


def cluster_of(endpoint: str) -> str:
    """The cluster of an eCom address; empty for another vendor's."""
    return endpoint.removeprefix(ENDPOINT_PREFIX) if endpoint.startswith(ENDPOINT_PREFIX) else ""


def usual_requests(endpoint: str) -> int:
    """The usual number of requests of one check of a stored key."""
    return 1 if endpoint == LEGACY_ENDPOINT else USUAL_REQUESTS


def is_checkable(credential: Credential) -> bool:
    """Whether a stored key is one that `check_stored` can ask about; a decoy never is."""
    is_known = credential.endpoint == LEGACY_ENDPOINT or bool(cluster_of(credential.endpoint))
    is_live = credential.state in Credential.LIVE_STATES
    return (
        credential.kind == Credential.Kind.BASIC
        and is_known
        and is_live
        and not credential.is_honeytoken
    )


def check_stored(
    *, pair: ApiKeySecret, endpoint: str, language: str, expected_shop_id: int | None
) -> CheckResult:
    """Check a stored key where its kind is at home; see `check_pair`."""
    if endpoint == LEGACY_ENDPOINT:
        return check_legacy_account(
            key=pair.key,
            transport=_transport(tuple(settings.LIGHTSPEED_ALLOWED_ADDRESSES)),
            provider=_r_series(),
            expected_account=expected_shop_id,
        )
    return check_pair(
        pair=pair, endpoint=endpoint, language=language, expected_shop_id=expected_shop_id
    )


def _r_series() -> Provider:
    origin = settings.LIGHTSPEED_OAUTH_ORIGIN
    return R_SERIES.moved_to(origin) if origin else R_SERIES


def check_pair(
    *, pair: ApiKeySecret, endpoint: str, language: str, expected_shop_id: int | None
) -> CheckResult:
    """Check a pair live; takes seconds, so open no transaction around it.

    Args:
        pair: goes to the endpoint's host only.
        endpoint: a name in settings.KEYVAULT_ENDPOINTS.
        language: two letters; must be active in the shop.
        expected_shop_id: the shop of the store's other keys; None for a first key.
    """
    credential = EComCredential(
        base_url=settings.KEYVAULT_ENDPOINTS[endpoint],
        language=language,
        key=pair.key,
        secret=pair.secret,
    )
    client = EComClient(
        credential=credential, transport=_transport(tuple(settings.LIGHTSPEED_ALLOWED_ADDRESSES))
    )
    return check_credential(
        client, required=required_permissions(), expected_shop_id=expected_shop_id
    )


def limits_of(readings: tuple[WindowReading, ...]) -> list[tuple[int, int]]:
    """The windows of a key, (seconds, limit): as its answers showed them, else the usual ones."""
    shown = {reading.seconds: reading.limit for reading in readings if reading.limit is not None}
    return [(usual.seconds, shown.get(usual.seconds, usual.limit)) for usual in DEFAULT_LIMITS]


@lru_cache(maxsize=4)
def _transport(places: tuple[str, ...]) -> OutboundTransport:
    """One transport for all threads; making one loads the certificates anew."""
    return OutboundTransport(allowed_addresses=allowed_addresses(places))
