"""A registration at the simulator for each OAuth provider and for the partner app.

The names are kept over a restart, since grants and installed keys belong to them; the secrets are
made anew at each start, since no secret is kept in plain.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from pydantic import SecretStr

from lightspeed.oauth.install import APP_NAME
from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import ProviderClient, User
from onboarding.oauth.providers import register_client

# What the simulator calls each provider.
SERIES = {"retail-r": "r", "retail-x": "x"}

# What the names of our own registrations begin with.
MARK = "demo-"

Teller = Callable[[str, Mapping[str, Any]], None]
Facts = Callable[[str, str], Mapping[str, str]]


def register_at_simulator(*, user: User, tell: Teller) -> None:
    """Registers what a try-out needs, unless somebody has entered registrations of their own.

    Args:
        user: the demo's member of staff.
        tell: tells the simulator's control something.
    """
    for name in PROVIDERS:
        _register(name, path="retail/clients", facts=_client_facts(name), user=user, tell=tell)
    start = settings.KEYVAULT_ENDPOINTS["ecom-eu1"]
    _register(APP_NAME, path="apps", facts=_app_facts, user=user, tell=tell, start=start)


def _register(
    name: str, *, path: str, facts: Facts, user: User, tell: Teller, start: str = ""
) -> None:
    known = ProviderClient.objects.filter(provider=name).first()
    if known is not None and not known.client_id.startswith(MARK):
        return
    client_id = known.client_id if known else f"{MARK}{secrets.token_hex(12)}"
    secret = secrets.token_urlsafe(24)
    tell(path, facts(client_id, secret))
    register_client(
        provider=name,
        client_id=client_id,
        secret=SecretStr(secret),
        is_open=known is None or known.is_open,
        user=user,
        start_url=f"{start}apps/install?app={client_id}" if start else "",
    )


def _client_facts(name: str) -> Facts:
    redirect_uri = f"{settings.SITE_URL}{reverse('oauth:callback', args=[name])}"

    def facts(client_id: str, secret: str) -> dict[str, str]:
        return {
            "series": SERIES[name],
            "client_id": client_id,
            "client_secret": secret,
            "redirect_uri": redirect_uri,
        }

    return facts


def _app_facts(client_id: str, secret: str) -> dict[str, str]:
    site = settings.SITE_URL
    return {
        "key": client_id,
        "secret": secret,
        "success_url": f"{site}{reverse('oauth:install')}",
        "cancel_url": f"{site}{reverse('oauth:install-cancelled')}",
        "uninstall_url": f"{site}{reverse('oauth:uninstalled')}",
    }
