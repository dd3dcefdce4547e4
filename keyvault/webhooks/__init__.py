"""Telling backends what happened, signed after the Standard Webhooks specification."""

from keyvault.webhooks.delivering import DELIVERIES
from keyvault.webhooks.endpoints import NewEndpoint, enable, register, remove, replace_key
from keyvault.webhooks.replaying import replay, replay_failed
from keyvault.webhooks.sending import ForbiddenAddressError, Sent

__all__ = [
    "DELIVERIES",
    "ForbiddenAddressError",
    "NewEndpoint",
    "Sent",
    "enable",
    "register",
    "remove",
    "replace_key",
    "replay",
    "replay_failed",
]
