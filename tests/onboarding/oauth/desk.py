"""A merchant in a browser, the simulated vendor on the far side."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from django.test import Client
from django.utils import timezone
from pydantic import SecretStr

from keyvault.models import Credential, Grant
from lightspeed.oauth.registry import PROVIDERS
from onboarding.models import Consent, Store, User
from onboarding.oauth.providers import register_client
from simulator.retail.clients import DEFAULT_SECRET
from simulator.running import RunningSimulator
from tests.onboarding.cast import merchant, person, signed_in, staff_member, store

ACCOUNTS = {"retail-r": "100001", "retail-x": "corner-shop"}


def opened(*, is_open: bool = True, secret: str = DEFAULT_SECRET) -> None:
    """The operator's registrations, as staff enter them."""
    user = User.objects.filter(is_staff=True).first() or staff_member("registrar")
    for name in PROVIDERS:
        register_client(
            provider=name,
            client_id=f"latchkey-{name[-1]}",
            secret=SecretStr(secret),
            is_open=is_open,
            user=user,
        )


@dataclass
class Desk:
    """A merchant's browser at one store."""

    user: User
    store: Store
    client: Client
    simulator: RunningSimulator

    def begin(self, provider: str = "retail-r") -> str:
        """Press the button; gives the vendor's address."""
        answer = self.client.post(f"/stores/{self.store.pk}/connect/{provider}/")
        assert answer.status_code == 302, answer.content
        return answer.headers["Location"]

    def at_vendor(
        self,
        url: str,
        *,
        provider: str = "retail-r",
        account: str = "",
        without: str = "",
        decision: str = "approve",
    ) -> str:
        """Decide at the vendor; gives the address that it sends the browser back to."""
        scopes = [each for each in PROVIDERS[provider].scope_names if each != without]
        fields = [("decision", decision), ("account", account or ACCOUNTS[provider])]
        fields += [("scope", each) for each in scopes]
        answer = httpx2.post(
            url,
            content=urlencode(fields),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, location: str, *, client: Client | None = None) -> Any:
        """Follow the vendor's redirect."""
        parts = urlsplit(location)
        return (client or self.client).get(f"{parts.path}?{parts.query}")

    def go(self, provider: str = "retail-r", **decision: str) -> Consent:
        """The whole way to the page with what came of it."""
        url = self.begin(provider)
        answer = self.come_back(self.at_vendor(url, provider=provider, **decision))
        assert answer.status_code == 302, answer.content
        return self.consent()

    def connect(self, provider: str = "retail-r", **decision: str) -> Credential:
        """The whole way to a stored grant."""
        consent = self.go(provider, **decision)
        self.answer(consent, yes="1")
        return Credential.objects.filter(keychain_id=self.store.pk).latest("created_at")

    def answer(self, consent: Consent, **fields: str) -> Any:
        return self.client.post(self.page_of(consent), fields, follow=True)

    def page_of(self, consent: Consent) -> str:
        return f"/stores/{self.store.pk}/connection/{consent.pk}/"

    def consent(self) -> Consent:
        return Consent.objects.filter(store=self.store).latest("created_at")

    def show(self, consent: Consent) -> str:
        return self.client.get(self.page_of(consent)).content.decode()

    def stored(self) -> int:
        return Credential.objects.filter(keychain_id=self.store.pk).count()


def desk(simulator: RunningSimulator, name: str = "merchant") -> Desk:
    """A merchant with one store without any key, signed in."""
    user = person(name)
    shop = store(merchant(f"Shop of {name}", owner=user))
    return Desk(user=user, store=shop, client=signed_in(user), simulator=simulator)


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def overdue(credential: Credential) -> None:
    """Let a grant's token be over."""
    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.filter(pk=credential.pk).update(due_at=past, access_expires_at=past)
    Credential.objects.filter(pk=credential.pk).update(valid_until=past)
