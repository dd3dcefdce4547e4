"""What a renewer must do; settings.KEYVAULT_RENEWER names one by its dotted path."""

from dataclasses import dataclass, field
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import SecretStr

from keyvault.models import Grant


@dataclass(frozen=True, slots=True)
class AccountRef:
    """Whose tokens.

    Attributes:
        provider: a name that the renewer knows.
        account: the vendor's id of the account.
        shop: the shop's part of the vendor's host; empty where all share one.
    """

    provider: str
    account: str
    shop: str = ""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A pair as the vendor gave it.

    Attributes:
        access_token: opens the API.
        refresh_token: brings the next pair.
        expires_in_seconds: life of the access token, from now on.
        scopes: granted; empty when the vendor did not say.
    """

    access_token: SecretStr
    refresh_token: SecretStr
    expires_in_seconds: float
    scopes: tuple[str, ...] = field(default=())


class Renewer(Protocol):
    """Asks vendors for pairs. Called outside any transaction, from any thread."""

    def is_single_use(self, provider: str) -> bool:
        """Say whether the vendor ends a refresh token with its first use, answered or not."""

    def renew(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> TokenPair:
        """Ask for the next pair, once, within `seconds`.

        Raises:
            RefreshRefusedError: the vendor no longer knows the token.
            RefreshFailedError: no pair came, for whatever other reason.
        """

    def revoke(self, *, account: AccountRef, refresh_token: SecretStr, seconds: float) -> None:
        """End the grant at the vendor, once, within `seconds`.

        Raises:
            RefreshRefusedError: the vendor no longer knows the token: it has ended already.
            RefreshFailedError: it may not have ended.
        """


def renewer() -> Renewer:
    """The renewer of this installation.

    Raises:
        ImportError: the setting leads nowhere.
    """
    found: Renewer = import_string(settings.KEYVAULT_RENEWER)
    return found


def account_of(grant: Grant) -> AccountRef:
    """Whose grant it is."""
    return AccountRef(provider=grant.provider, account=grant.account, shop=grant.shop)
