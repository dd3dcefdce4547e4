"""Control of R- and X-Series under `/_sim/retail/`.

POST rules     {"series": "x", "token_seconds": 0.15, "access_seconds": 1800, …}
POST clients   {"series", "client_id", "client_secret", "redirect_uri"}
POST accounts  {"series", "id", "name"}
POST keys      {"key", "account_id"}, {"refused": true}: keys of before OAuth
POST consent   {"series", "account", "scopes"}: a pair of tokens without a browser
GET  grants    how many consents there were, and how many of them are alive
"""

from collections.abc import Mapping
from typing import Any

from simulator.answers import json_response
from simulator.control_input import ControlError, read_object
from simulator.retail.clients import Account, is_domain_prefix, make_client
from simulator.retail.grants import Code
from simulator.retail.retail import Retail
from simulator.retail.rules import R_SERIES, X_SERIES
from simulator.wire import Request, Response

PREFIX = "/_sim/retail/"


class RetailControl:
    """Answers the control requests of both series."""

    def __init__(self, *, retail: Retail) -> None:
        self._retail = retail
        self.endpoints = {
            f"{PREFIX}rules": ("POST", self._post_rules),
            f"{PREFIX}clients": ("POST", self._post_client),
            f"{PREFIX}accounts": ("POST", self._post_account),
            f"{PREFIX}keys": ("POST", self._post_key),
            f"{PREFIX}consent": ("POST", self._post_consent),
            f"{PREFIX}grants": ("GET", self._get_grants),
        }

    def set_rules(self, fields: Mapping[str, Any]) -> None:
        """Change rules of one series.

        Raises:
            ControlError: A field is wrong.
        """
        changes = {name: value for name, value in fields.items() if name != "series"}
        self._retail.rules.change(series=_series(fields), fields=changes)

    def put_client(self, fields: Mapping[str, Any]) -> None:
        """Register a client.

        Raises:
            ControlError: A field is wrong.
        """
        client = make_client(
            client_id=_text(fields, "client_id"),
            secret=_text(fields, "client_secret"),
            redirect_uri=str(fields.get("redirect_uri", "")),
        )
        self._retail.clients[_series(fields), client.client_id] = client
        self._retail.told += 1

    def put_account(self, fields: Mapping[str, Any]) -> None:
        """Add an account among which a merchant chooses.

        Raises:
            ControlError: A field is wrong.
        """
        series = _series(fields)
        account = Account(_text(fields, "id"), _text(fields, "name"))
        if series == X_SERIES and not is_domain_prefix(account.id):
            raise ControlError(message="must be a domain prefix", field="id")
        others = [each for each in self._retail.accounts[series] if each.id != account.id]
        self._retail.accounts[series] = [*others, account]
        self._retail.told += 1

    def put_key(self, fields: Mapping[str, Any]) -> None:
        """Add or remove a legacy key, or let all of them be refused.

        Raises:
            ControlError: A field is wrong.
        """
        if "refused" in fields:
            self._retail.are_legacy_keys_refused = fields["refused"] is True
        if "key" in fields:
            account_id = str(fields.get("account_id", ""))
            self._retail.put_legacy_key(key=_text(fields, "key"), account_id=account_id)
        self._retail.told += 1

    def consent(self, fields: Mapping[str, Any]) -> dict[str, object]:
        """Give a pair of tokens as if a merchant had approved.

        Raises:
            ControlError: A field is wrong.
        """
        series = _series(fields)
        wanted = str(fields.get("account", self._retail.accounts[series][0].id))
        account = next((a for a in self._retail.accounts[series] if a.id == wanted), None)
        if account is None:
            raise ControlError(message="is not known", field="account")
        code = Code(
            series=series,
            client_id=str(fields.get("client_id", f"latchkey-{series}")),
            redirect_uri="",
            account=account,
            scopes=tuple(str(fields.get("scopes", "employee:all")).split()),
            challenge="",
            expires_at=0,
        )
        rules = self._retail.rules.of[series]
        pair = self._retail.grants.begin(code=code, rules=rules, mint=self._retail.mint)
        return {
            "access_token": pair.access_token,
            "refresh_token": pair.refresh_token,
            "expires_in": rules.access_seconds,
        }

    def grants(self) -> dict[str, object]:
        """Count consents and those that are alive."""
        families = self._retail.grants.families
        return {"families": len(families), "alive": sum(each.is_alive for each in families)}

    def _post_rules(self, request: Request) -> Response:
        self.set_rules(read_object(request.body))
        return json_response(status=200, value={})

    def _post_client(self, request: Request) -> Response:
        self.put_client(read_object(request.body))
        return json_response(status=201, value={})

    def _post_account(self, request: Request) -> Response:
        self.put_account(read_object(request.body))
        return json_response(status=201, value={})

    def _post_key(self, request: Request) -> Response:
        self.put_key(read_object(request.body))
        return json_response(status=200, value={})

    def _post_consent(self, request: Request) -> Response:
        return json_response(status=201, value=self.consent(read_object(request.body)))

    def _get_grants(self, _: Request) -> Response:
        return json_response(status=200, value=self.grants())


def _series(fields: Mapping[str, Any]) -> str:
    series = fields.get("series")
    if series not in (R_SERIES, X_SERIES):
        raise ControlError(message="must be r or x", field="series")
    return str(series)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 512:  # noqa: PLR2004
        raise ControlError(message="must be a text", field=name)
    return value
