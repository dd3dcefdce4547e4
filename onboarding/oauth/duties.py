"""What workers do for connections."""

from keyvault.due import Duty
from onboarding.oauth.services import delete_expired_consents

CONSENTS = Duty(name="oauth.consents", interval_seconds=60, run=delete_expired_consents)
