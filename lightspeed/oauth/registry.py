"""Every provider that merchants can be connected to; a new one is a module and a row here."""

from collections.abc import Mapping

from lightspeed.oauth.provider import Provider
from lightspeed.oauth.r_series import R_SERIES
from lightspeed.oauth.x_series import X_SERIES

PROVIDERS: Mapping[str, Provider] = {each.name: each for each in (R_SERIES, X_SERIES)}
