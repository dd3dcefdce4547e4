"""The pair of tokens while it waits for the merchant: sealed under the store's own keychain.

{"access_token": …, "refresh_token": …} as JSON, sealed as one value
"""

import json
from datetime import datetime

from pydantic import SecretStr

from keyvault import vault
from keyvault.renewal import TokenPair
from onboarding.models import Consent

FIELD = "consent-pair"
VERIFIER_FIELD = "consent-verifier"
# A token that is nearly over is renewed at once after it is stored.
LEAST_SECONDS = 1.0


def seal_pair(*, consent: Consent, access_token: SecretStr, refresh_token: SecretStr) -> bytes:
    """Seals a pair for the row of a consent. In the caller's transaction."""
    plain = json.dumps(
        {
            "access_token": access_token.get_secret_value(),
            "refresh_token": refresh_token.get_secret_value(),
        }
    )
    return vault.seal_value(
        keychain_id=consent.store_id, record_id=consent.pk, field=FIELD, value=SecretStr(plain)
    )


def open_pair(*, consent: Consent, now: datetime) -> TokenPair:
    """The pair of a consent that waits, with what is left of its life. One query."""
    plain = vault.open_value(
        keychain_id=consent.store_id,
        record_id=consent.pk,
        field=FIELD,
        sealed=consent.sealed_pair,
    )
    tokens = json.loads(plain.get_secret_value())
    until = consent.access_expires_at or now
    return TokenPair(
        access_token=SecretStr(tokens["access_token"]),
        refresh_token=SecretStr(tokens["refresh_token"]),
        expires_in_seconds=max((until - now).total_seconds(), LEAST_SECONDS),
        scopes=tuple(consent.scopes.split()),
    )


def seal_verifier(*, consent: Consent, verifier: SecretStr) -> bytes:
    """Seals the verifier for the row of a consent. In the caller's transaction."""
    return vault.seal_value(
        keychain_id=consent.store_id, record_id=consent.pk, field=VERIFIER_FIELD, value=verifier
    )


def open_verifier(*, consent: Consent) -> SecretStr:
    """The verifier of a consent. One query."""
    return vault.open_value(
        keychain_id=consent.store_id,
        record_id=consent.pk,
        field=VERIFIER_FIELD,
        sealed=consent.sealed_verifier,
    )
