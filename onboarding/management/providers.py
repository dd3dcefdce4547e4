"""A registration at the simulator for each OAuth provider, so that a try-out can connect."""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from pydantic import SecretStr

from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import ProviderClient, User
from onboarding.oauth.providers import register_client

# What the simulator calls each provider.
SERIES = {"retail-r": "r", "retail-x": "x"}

Teller = Callable[[str, Mapping[str, Any]], None]


def register_at_simulator(*, user: User, tell: Teller) -> None:
    """Registers anew at each start: the simulator forgets, and no secret is kept in plain.

    Args:
        user: the demo's member of staff.
        tell: tells the simulator's control something.
    """
    for name in PROVIDERS:
        known = ProviderClient.objects.filter(provider=name).first()
        if known is not None and not known.client_id.startswith("demo-"):
            continue
        client_id, secret = f"demo-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        tell(
            "retail/clients",
            {
                "series": SERIES[name],
                "client_id": client_id,
                "client_secret": secret,
                "redirect_uri": f"{settings.SITE_URL}{reverse('oauth:callback', args=[name])}",
            },
        )
        register_client(
            provider=name,
            client_id=client_id,
            secret=SecretStr(secret),
            is_open=known is None or known.is_open,
            user=user,
        )
