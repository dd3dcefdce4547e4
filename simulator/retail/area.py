"""R- and X-Series as one area: which path is whose."""

import json
from collections.abc import Callable

from simulator.answers import json_response
from simulator.ecom.area import basic_credentials
from simulator.retail.clients import Account
from simulator.retail.consent import answer_consent
from simulator.retail.grants import digest
from simulator.retail.retail import Retail
from simulator.retail.rules import R_SERIES, X_SERIES
from simulator.retail.token import answer_revoke, answer_token
from simulator.state import Stats
from simulator.wire import Request, Response

PREFIXES = ("/auth/oauth/", "/connect", "/api/1.0/", "/api/2.0/", "/API/", "/.well-known/")

LEGACY_USER_SECRET = "apikey"  # noqa: S105  # the vendor's own constant
_BUCKET = (("X-LS-Api-Bucket-Level", "1/90"), ("X-LS-Api-Drip-Rate", "1"))

Answer = Callable[[Request], Response]


class RetailArea:
    """Answers everything of both series."""

    def __init__(self, *, retail: Retail, stats: Stats) -> None:
        self._retail = retail
        self._stats = stats
        self._routes: dict[tuple[str, str], Answer] = {
            ("GET", "/auth/oauth/authorize"): self._consent(R_SERIES),
            ("POST", "/auth/oauth/authorize"): self._consent(R_SERIES),
            ("POST", "/auth/oauth/token"): self._token(R_SERIES),
            ("POST", "/auth/oauth/revoke"): self._revoke(R_SERIES),
            ("GET", "/connect"): self._consent(X_SERIES),
            ("POST", "/connect"): self._consent(X_SERIES),
            ("POST", "/api/1.0/token"): self._token(X_SERIES),
            ("POST", "/api/1.0/revoke"): self._revoke(X_SERIES),
            ("GET", "/api/2.0/retailer"): self._retailer,
            ("GET", "/API/V3/Account.json"): self._account,
            ("GET", "/API/Account.json"): self._account,
            ("GET", "/.well-known/jwks"): self._jwks,
        }

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        route = self._routes.get((request.method, request.path))
        if route is None:
            return json_response(status=404, value={"error": "not_found"})
        return route(request)

    def unauthorized(self, request: Request) -> Response:
        """Refuse a token as the vendor does."""
        value = {
            "error": "access_denied",
            "error_description": "The resource owner or authorization server denied the request.",
            "hint": "Access token could not be verified",
        }
        return json_response(status=401, value=value)

    def throttled(self, request: Request) -> Response:
        """Refuse for lack of room in the bucket."""
        value = {"error": "Too Many Requests", "message": "Rate limiting enforced"}
        headers = (("Retry-After", "2"), ("X-LS-API-RateLimit-Type", "bucket"))
        return json_response(status=429, value=value, headers=headers)

    def _consent(self, series: str) -> Answer:
        return lambda request: answer_consent(retail=self._retail, series=series, request=request)

    def _token(self, series: str) -> Answer:
        def answer(request: Request) -> Response:
            self._stats.token_calls += 1
            return answer_token(retail=self._retail, series=series, request=request)

        return answer

    def _revoke(self, series: str) -> Answer:
        return lambda request: answer_revoke(retail=self._retail, series=series, request=request)

    def _account(self, request: Request) -> Response:
        account = self._legacy_account(request) or self._bearer_account(request, R_SERIES)
        if account is None:
            return self.unauthorized(request)
        value = {"Account": {"accountID": account.id, "name": account.name, "link": {}}}
        return Response(status=200, body=json.dumps(value).encode(), headers=_BUCKET)

    def _retailer(self, request: Request) -> Response:
        account = self._bearer_account(request, X_SERIES)
        if account is None:
            return self.unauthorized(request)
        value = {"data": {"id": account.id, "name": account.name, "domain_prefix": account.id}}
        return json_response(status=200, value=value)

    def _jwks(self, _: Request) -> Response:
        return json_response(status=200, value=self._retail.signer.jwks())

    def _bearer_account(self, request: Request, series: str) -> Account | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        used = self._retail.grants.use(token=token.strip(), rules=self._retail.rules.of[series])
        return used.family.account if used and used.family.series == series else None

    def _legacy_account(self, request: Request) -> Account | None:
        presented = basic_credentials(request.headers.get("authorization", ""))
        if presented is None or self._retail.are_legacy_keys_refused:
            return None
        key, secret = presented
        account_id = self._retail.legacy_keys.get(digest(key))
        if account_id is None or secret != LEGACY_USER_SECRET:
            return None
        accounts = self._retail.accounts[R_SERIES]
        return next((each for each in accounts if each.id == account_id), None)
