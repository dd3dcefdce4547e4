"""Renews and revokes for the vault (`keyvault.renewal.contract.Renewer`)."""

from pydantic import SecretStr

from keyvault.errors import RefreshFailedError, RefreshRefusedError
from keyvault.renewal import AccountRef, TokenPair
from lightspeed.errors import (
    ThrottledError,
    UnsafeAddressError,
    VendorError,
)
from lightspeed.oauth.errors import ClientRefusedError, GrantRefusedError, OAuthError
from lightspeed.oauth.provider import Rotation
from lightspeed.oauth.registry import PROVIDERS
from lightspeed.oauth.tokens import OAuthClient, refresh_tokens, revoke_token
from onboarding.errors import ProviderClosedError
from onboarding.oauth.providers import client_of, provider_named, transport

# After these the vendor has certainly not rotated: it said no, or nothing was sent.
_NOT_ROTATED = (ThrottledError, UnsafeAddressError, OAuthError)


class VendorRenewer:
    """Asks the vendors that `lightspeed` knows."""

    def is_single_use(self, provider: str) -> bool:
        """Say whether the vendor ends a refresh token with its first use."""
        return PROVIDERS[provider].rotation is Rotation.AT_ONCE

    def renew(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> TokenPair:
        """Ask for the next pair, once."""
        try:
            pair = refresh_tokens(
                provider=provider_named(account.provider),
                client=_client(account.provider),
                refresh_token=refresh_token,
                shop=account.shop,
                transport=transport(),
                seconds=seconds,
            )
        except VendorError as error:
            raise _failure(error) from None
        return TokenPair(
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            expires_in_seconds=pair.expires_in_seconds,
            scopes=pair.scopes,
        )

    def revoke(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> None:
        """End the grant at the vendor, once."""
        try:
            revoke_token(
                provider=provider_named(account.provider),
                client=_client(account.provider),
                refresh_token=refresh_token,
                shop=account.shop,
                transport=transport(),
                seconds=seconds,
            )
        except VendorError as error:
            raise _failure(error) from None


RENEWER = VendorRenewer()


def _client(provider: str) -> OAuthClient:
    try:
        return client_of(provider)
    except ProviderClosedError:
        raise ClientRefusedError from None


def _failure(error: VendorError) -> RefreshFailedError | RefreshRefusedError:
    if isinstance(error, GrantRefusedError):
        return RefreshRefusedError(str(error))
    return RefreshFailedError(
        problem=error.problem,
        may_have_rotated=not isinstance(error, _NOT_ROTATED),
        retry_after_seconds=getattr(error, "retry_after_seconds", 0.0),
    )
