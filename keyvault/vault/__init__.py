"""The only door to a plaintext.

Everything that leaves through it is a `pydantic.SecretStr` inside a frozen value that hides itself,
and every function takes the actor. Keychains that were shredded, records that were moved or altered
and KEKs that are not at hand are errors of `keyvault.errors`, never empty values.
"""

from keyvault.vault.admission import find_duplicate
from keyvault.vault.ciphers import unwrap_dek
from keyvault.vault.credentials import (
    check_out_credential,
    open_credential,
    open_in_bulk,
    openable_credentials,
    store_credential,
)
from keyvault.vault.custody import require_keyring
from keyvault.vault.drafts import delete_draft, delete_expired_drafts, open_draft, seal_draft
from keyvault.vault.hardening import harden_process
from keyvault.vault.honeytokens import plant_honeytoken
from keyvault.vault.keychains import create_keychain, system_keychain
from keyvault.vault.opening import SealedCredential, open_sealed_credential, sealed_form
from keyvault.vault.secrets import (
    AccessTokenSecret,
    ApiKeySecret,
    Secret,
    fingerprint,
    short_fingerprint,
)
from keyvault.vault.states import set_state
from keyvault.vault.tokens import account_fingerprint, replace_token, store_token
from keyvault.vault.tripwires import handle_alert, quarantine
from keyvault.vault.values import open_value, seal_value

__all__ = [
    "AccessTokenSecret",
    "ApiKeySecret",
    "SealedCredential",
    "Secret",
    "account_fingerprint",
    "check_out_credential",
    "create_keychain",
    "delete_draft",
    "delete_expired_drafts",
    "find_duplicate",
    "fingerprint",
    "handle_alert",
    "harden_process",
    "open_credential",
    "open_draft",
    "open_in_bulk",
    "open_sealed_credential",
    "open_value",
    "openable_credentials",
    "plant_honeytoken",
    "quarantine",
    "replace_token",
    "require_keyring",
    "seal_draft",
    "seal_value",
    "sealed_form",
    "set_state",
    "short_fingerprint",
    "store_credential",
    "store_token",
    "system_keychain",
    "unwrap_dek",
]
