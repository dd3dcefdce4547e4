"""The C-Series API as one area: who calls, how often, in which language, with which right."""

import base64
import binascii
from dataclasses import replace

from simulator.answers import vendor_error
from simulator.ecom.call import Call, rate_headers, reported
from simulator.ecom.records import NOT_FOUND_MESSAGE
from simulator.ecom.routes import find_target
from simulator.keys import ApiKey
from simulator.rights import has_right
from simulator.state import State
from simulator.wire import Request, Response

CHALLENGE = ("WWW-Authenticate", 'Basic realm="Lightspeed eCom API"')

ACCESS_DENIED = "Access denied."
UNKNOWN_LANGUAGE = "Unknown or inactive language."
TOO_MANY_REQUESTS = "Too many requests."
NO_PERMISSION = "No permission for this resource."
METHOD_NOT_ALLOWED = "Method not allowed."
BODY_TOO_LARGE = "The request body is too large."


class EcomArea:
    """Answers everything that no other area claims."""

    def __init__(self, *, state: State) -> None:
        self._state = state

    def answer(self, request: Request) -> Response:
        """Answer one request, in the vendor's order: key, windows, language, resource, right."""
        presented = basic_credentials(request.headers.get("authorization", ""))
        api_key = self._find_key(request=request, presented=presented)
        if presented is None or api_key is None:
            return self.unauthorized(request)
        verdict = self._state.meter.take(_meter_key(api_key))
        call = Call(
            request=request,
            presented_key=presented[0],
            api_key=api_key,
            readings=reported(verdict.readings),
        )
        if not verdict.is_admitted:
            return call.error(status=429, message=TOO_MANY_REQUESTS)
        return dispatch(call)

    def unauthorized(self, request: Request) -> Response:
        """Refuse a key as the vendor does: one answer for every reason, no rate headers."""
        return vendor_error(
            request=request, status=401, message=ACCESS_DENIED, headers=(CHALLENGE,)
        )

    def throttled(self, request: Request) -> Response:
        """Answer 429 as if the shortest reported window of the key were used up."""
        presented = basic_credentials(request.headers.get("authorization", ""))
        api_key = self._find_key(request=request, presented=presented)
        verdict = self._state.meter.read(_meter_key(api_key) if api_key else "")
        readings = list(reported(verdict.readings))
        readings[:1] = [replace(reading, remaining=-1) for reading in readings[:1]]
        headers = rate_headers(tuple(readings))
        return vendor_error(request=request, status=429, message=TOO_MANY_REQUESTS, headers=headers)

    def _find_key(self, *, request: Request, presented: tuple[str, str] | None) -> ApiKey | None:
        if presented is None:
            return None
        key, secret = presented
        found = self._state.keys.find(key=key, secret=secret)
        if found is None or not found.is_enabled or found.cluster != request.cluster:
            return None
        return found


def dispatch(call: Call) -> Response:
    """Send a call that the windows admitted to its endpoint."""
    request = call.request
    language, _, _ = request.path.removeprefix("/").partition("/")
    if language not in call.api_key.languages:
        return call.error(status=404, message=UNKNOWN_LANGUAGE)
    target = find_target(request.path)
    if target is None:
        return call.error(status=404, message=NOT_FOUND_MESSAGE)
    route = target.routes.get(request.method)
    if route is None:
        allowed = ("Allow", ", ".join(target.routes))
        return call.error(status=405, message=METHOD_NOT_ALLOWED, headers=(allowed,))
    if route.right and not has_right(permissions=call.api_key.permissions, right=route.right):
        return call.error(status=403, message=NO_PERMISSION)
    if request.is_body_dropped:
        return call.error(status=413, message=BODY_TOO_LARGE)
    return route.endpoint(replace(call, record_id=target.record_id))


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Read key and secret from an Authorization header; None when they are not there."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    key, colon, secret = text.partition(":")
    return (key, secret) if colon else None


def _meter_key(api_key: ApiKey) -> str:
    return f"{api_key.shop_id}:{api_key.key_hash}"
