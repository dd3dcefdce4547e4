"""Sealing the secrets of a person's second step for allauth's table.

allauth hands over a text and nothing else, so the sealed text carries its own place:
`v1.<keychain id>.<random record id>.<base64 of the sealed bytes>`. The keychain is the person's
own; a text whose ids were edited does not open at all.
"""

import base64
import binascii
from uuid import UUID, uuid4

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext
from pydantic import SecretStr

from keyvault.errors import TamperedSecretError
from keyvault.vault import create_keychain, open_value, seal_value
from onboarding.models import User
from onboarding.people.selectors import actor_for

FORMAT = "v1"
FIELD = "second-step"
PARTS = 4
# Recovery codes alone do not count.
SECOND_STEPS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class SealingAdapter(DefaultMFAAdapter):
    """Keeps one-time-code secrets and the seeds of recovery codes in the vault."""

    def encrypt(self, text: str) -> str:
        """Seal a secret under the keychain of the person who is signed in."""
        return seal_for(user=context.request.user, secret=SecretStr(text))

    def decrypt(self, encrypted_text: str) -> str:
        """Open what `encrypt` gave."""
        return open_sealed(encrypted_text).get_secret_value()

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002  # allauth's signature
        """Suggest a name for a passkey."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey") if number == 1 else gettext("Passkey %d") % number

    def get_totp_issuer(self) -> str:
        """Name the site in people's one-time-code apps."""
        return f"Latchkey ({settings.OPERATOR['name']})"


def has_second_step(user: User) -> bool:
    """Whether signing in takes more than the password; recovery codes alone do not count."""
    return Authenticator.objects.filter(user=user, type__in=SECOND_STEPS).exists()


@transaction.atomic
def enrol_codes(*, user: User) -> SecretStr:
    """Turns one-time codes on without a browser, for accounts that a command makes.

    Args:
        user: has none yet.

    Returns:
        The secret for an app, in base32; it is kept sealed only.
    """
    secret = SecretStr(generate_totp_secret())
    data = {"secret": seal_for(user=user, secret=secret)}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)
    return secret


@transaction.atomic
def seal_for(*, user: User, secret: SecretStr) -> str:
    """Seals a secret of a person; makes their keychain when it is the first.

    Locks the person's row, so that two windows make one keychain.

    Args:
        user: whose secret.
        secret: what to seal.

    Returns:
        A text for allauth's table, with the ids that it is bound to.
    """
    row = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    keychain = row.keychain
    if keychain is None:
        label = f"person {row.pk}"
        keychain = row.keychain = create_keychain(kind="person", label=label, actor=actor_for(row))
        row.save(update_fields=["keychain"])
    record_id = uuid4()
    sealed = seal_value(keychain_id=keychain.pk, record_id=record_id, field=FIELD, value=secret)
    body = base64.urlsafe_b64encode(sealed).decode()
    return f"{FORMAT}.{keychain.pk.hex}.{record_id.hex}.{body}"


def open_sealed(text: str) -> SecretStr:
    """Opens what `seal_for` gave.

    Args:
        text: the sealed text with its ids.

    Returns:
        The secret.

    Raises:
        TamperedSecretError: altered, or not of this format: alert, do not retry.
        keyvault.errors.ShreddedKeychainError: the person's keychain was destroyed.
    """
    parts = text.split(".")
    if len(parts) != PARTS or parts[0] != FORMAT:
        message = "a sealed second step of an unknown format"
        raise TamperedSecretError(message)
    try:
        keychain_id, record_id = UUID(parts[1]), UUID(parts[2])
        sealed = base64.b64decode(parts[3], altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        message = "a sealed second step that cannot be read"
        raise TamperedSecretError(message) from None
    return open_value(keychain_id=keychain_id, record_id=record_id, field=FIELD, sealed=sealed)
