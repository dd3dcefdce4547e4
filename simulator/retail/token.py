"""The token and revocation endpoints of both series."""

import base64
import hashlib
import json
from collections.abc import Mapping
from email.parser import BytesParser
from urllib.parse import parse_qsl

from simulator.answers import json_response
from simulator.ecom.area import basic_credentials
from simulator.retail.clients import Client
from simulator.retail.grants import Code, GrantError, Pair
from simulator.retail.retail import Retail
from simulator.retail.rules import X_SERIES
from simulator.wire import Request, Response

NO_STORE = (("Cache-Control", "no-store"),)


def answer_token(*, retail: Retail, series: str, request: Request) -> Response:
    """Answer one token call; what it does is done at once, its answer may be told to wait."""
    rules = retail.rules.of[series]
    try:
        fields = read_fields(request)
        client = _client_of(retail=retail, series=series, request=request, fields=fields)
        pair = _pair(retail=retail, series=series, client=client, fields=fields)
    except GrantError as error:
        return _refused(error, delay_seconds=rules.token_seconds)
    return Response(
        status=200,
        body=json.dumps(_answer(retail=retail, series=series, pair=pair)).encode(),
        headers=NO_STORE,
        delay_seconds=rules.token_seconds,
    )


def answer_revoke(*, retail: Retail, series: str, request: Request) -> Response:
    """Answer one revocation (RFC 7009)."""
    try:
        fields = read_fields(request)
        _client_of(retail=retail, series=series, request=request, fields=fields)
    except GrantError as error:
        return _refused(error, delay_seconds=0)
    retail.grants.revoke(fields.get("token", ""))
    return json_response(status=200, value={}, headers=NO_STORE)


def read_fields(request: Request) -> dict[str, str]:
    """Read a body in any of the three forms that clients send.

    Raises:
        GrantError: It is in none of them.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _multipart(request)
    if kind == "application/json":
        try:
            document = json.loads(request.body)
        except ValueError:
            document = None
        if isinstance(document, dict):
            return {str(name): str(value) for name, value in document.items()}
        raise GrantError(error="invalid_request", description="The body is no JSON object.")
    return dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))


def _multipart(request: Request) -> dict[str, str]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode("latin-1")
    message = BytesParser().parsebytes(head + request.body)
    fields = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            fields[name] = payload.decode()
    return fields


def _client_of(
    *, retail: Retail, series: str, request: Request, fields: Mapping[str, str]
) -> Client:
    basic = basic_credentials(request.headers.get("authorization", ""))
    client_id, secret = basic or (fields.get("client_id", ""), fields.get("client_secret", ""))
    client = retail.clients.get((series, client_id))
    if client is None or not client.has_secret(secret):
        raise GrantError(error="invalid_client", description="Client authentication failed")
    return client


def _pair(*, retail: Retail, series: str, client: Client, fields: Mapping[str, str]) -> Pair:
    rules = retail.rules.of[series]
    match fields.get("grant_type"):
        case "authorization_code":
            code = retail.grants.take_code(
                text=fields.get("code", ""),
                client_id=client.client_id,
                redirect_uri=fields.get("redirect_uri", client.redirect_uri),
            )
            _require_verifier(code=code, verifier=fields.get("code_verifier", ""))
            return retail.grants.begin(code=code, rules=rules, mint=retail.mint)
        case "refresh_token":
            return retail.grants.renew(
                token=fields.get("refresh_token", ""),
                client_id=client.client_id,
                rules=rules,
                mint=retail.mint,
            )
    raise GrantError(error="unsupported_grant_type", description="The grant type is not supported.")


def _require_verifier(*, code: Code, verifier: str) -> None:
    if not code.challenge:
        return
    hashed = hashlib.sha256(verifier.encode()).digest()
    if base64.urlsafe_b64encode(hashed).rstrip(b"=").decode() != code.challenge:
        raise GrantError(
            error="invalid_grant",
            description="The authorization code is invalid.",
            hint="Failed to verify `code_verifier`.",
        )


def _answer(*, retail: Retail, series: str, pair: Pair) -> dict[str, object]:
    answer: dict[str, object] = {
        "token_type": "Bearer",
        "expires_in": retail.rules.of[series].access_seconds,
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
    }
    if series == X_SERIES:
        answer |= {
            "expires": int(pair.expires_at),
            "domain_prefix": pair.family.account.id,
            "scope": " ".join(pair.family.scopes),
        }
    return answer


def _refused(error: GrantError, *, delay_seconds: float) -> Response:
    value = {"error": error.error, "error_description": error.description}
    if error.hint:
        value["hint"] = error.hint
    return Response(
        status=401 if error.error == "invalid_client" else 400,
        body=json.dumps(value).encode(),
        headers=NO_STORE,
        delay_seconds=delay_seconds,
    )
