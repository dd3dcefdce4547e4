"""What the operator registers at vendors: an OAuth client each, and the partner app."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lightspeed.oauth.install import APP_NAME, APP_TITLE
from lightspeed.oauth.registry import PROVIDERS
from onboarding.oauth.providers import provider_named


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration as staff see it.

    Attributes:
        name: in addresses and rows.
        title: what people read.
        scope_names: the permissions that are asked for; empty: the vendor keeps them itself.
        addresses: what the vendor must know of us, each with its label.
        is_app: the partner app: a key instead of a client id, and a page where merchants begin.
    """

    name: str
    title: str
    scope_names: tuple[str, ...]
    addresses: tuple[tuple[str | Promise, str], ...]
    is_app: bool = False


def registrations() -> list[Registration]:
    """Everything that can be registered, without its addresses."""
    known = [Registration(name, each.title, (), ()) for name, each in PROVIDERS.items()]
    return [*known, Registration(APP_NAME, APP_TITLE, (), (), is_app=True)]


def registration_of(name: str, *, absolute: Callable[[str], str]) -> Registration:
    """One of them.

    Args:
        name: which.
        absolute: makes a whole address of a path.

    Raises:
        UnknownRecordError: there is none of that name.
    """
    if name == APP_NAME:
        addresses = (
            (_("Success address to register"), absolute(reverse("oauth:install"))),
            (_("Uninstall address to register"), absolute(reverse("oauth:uninstalled"))),
            (_("Cancel address to register"), absolute(reverse("oauth:install-cancelled"))),
        )
        return Registration(APP_NAME, APP_TITLE, (), addresses, is_app=True)
    provider = provider_named(name)
    callback = absolute(reverse("oauth:callback", args=[name]))
    return Registration(
        name=name,
        title=provider.title,
        scope_names=provider.scope_names,
        addresses=((_("Redirect address to register"), callback),),
    )
