"""The control under `/_sim/`: keys, faults, numbers, reset. For this machine only."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from simulator.answers import json_response
from simulator.control_input import (
    ControlError,
    JsonObject,
    read_fault,
    read_key_change,
    read_object,
)
from simulator.keys import ApiKey, SecretNeededError
from simulator.retail.control import RetailControl
from simulator.state import State
from simulator.wire import Request, Response

PREFIX = "/_sim/"

_LOCAL_HOST = re.compile(
    r"(localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE
)


class Control:
    """Answers requests that steer the stand-in."""

    def __init__(self, *, state: State) -> None:
        self._state = state
        self.retail = RetailControl(retail=state.retail)
        self._endpoints: dict[str, tuple[str, Callable[[Request], Response]]] = {
            "/_sim/keys": ("POST", self._post_key),
            "/_sim/apps": ("POST", self._post_app),
            "/_sim/faults": ("POST", self._post_fault),
            "/_sim/stats": ("GET", self._get_stats),
            "/_sim/reset": ("POST", self._post_reset),
            **self.retail.endpoints,
        }

    def answer(self, request: Request) -> Response:
        """Answer one control request; whatever is wrong with it becomes a JSON error."""
        try:
            refuse_strangers(request)
            return self._dispatch(request)
        except ControlError as error:
            return _error_response(error)

    def put_key(
        self, fields: JsonObject, *, default_cluster: str
    ) -> tuple[dict[str, object], bool]:
        """Create or change a key.

        Returns:
            The key's state without its secret, and whether it is new.

        Raises:
            ControlError: A field is wrong (422), or the state file cannot be written (500).
        """
        change = read_key_change(fields)
        try:
            api_key, is_new = self._state.keys.put(change=change, default_cluster=default_cluster)
        except SecretNeededError as error:
            raise ControlError(message=str(error), field="secret") from None
        except OSError as error:
            raise ControlError(
                message=f"The state file cannot be written: {error.strerror}.", status=500
            ) from error
        return {"key": change.key, **_describe(api_key)}, is_new

    def add_fault(self, fields: JsonObject) -> dict[str, object]:
        """Plan a fault and give it back as understood.

        Raises:
            ControlError: A field is wrong.
        """
        planned = read_fault(fields)
        self._state.faults.add(path=planned.path, fault=planned.fault, count=planned.count)
        return {
            "path": planned.path,
            "kind": str(planned.fault.kind),
            "count": planned.count,
            "seconds": planned.fault.seconds,
            "bytes": planned.fault.size_bytes,
        }

    def _dispatch(self, request: Request) -> Response:
        endpoint = self._endpoints.get(request.path)
        if endpoint is None:
            raise ControlError(message="There is no such control.", status=404)
        method, respond = endpoint
        if request.method != method:
            raise ControlError(message=f"Use {method}.", status=405)
        if request.is_body_dropped:
            raise ControlError(message="The body is too large.", status=413)
        return respond(request)

    def _post_key(self, request: Request) -> Response:
        fields = read_object(request.body)
        described, is_new = self.put_key(fields, default_cluster=request.cluster)
        return json_response(status=201 if is_new else 200, value=described)

    def _post_app(self, request: Request) -> Response:
        app = self._state.apps.put(read_object(request.body))
        return json_response(status=201, value={"key": app.key})

    def _post_fault(self, request: Request) -> Response:
        return json_response(status=201, value=self.add_fault(read_object(request.body)))

    def _get_stats(self, request: Request) -> Response:
        return json_response(status=200, value=self._state.stats.as_json())

    def _post_reset(self, request: Request) -> Response:
        self._state.reset()
        return json_response(status=200, value=self._state.stats.as_json())


def refuse_strangers(request: Request) -> None:
    """Let only this machine in, and no web page that a browser on it has open.

    Raises:
        ControlError: 403.
    """
    origin = request.headers.get("origin")
    is_local = (
        ip_address(request.peer).is_loopback
        and _LOCAL_HOST.fullmatch(request.headers.get("host", "")) is not None
        and (origin is None or _LOCAL_HOST.fullmatch(origin.rpartition("//")[2]) is not None)
    )
    if not is_local:
        raise ControlError(message="The control answers on the loopback address only.", status=403)


def _describe(api_key: ApiKey) -> dict[str, object]:
    return {
        "last_four": api_key.last_four,
        "cluster": api_key.cluster,
        "shop_id": api_key.shop_id,
        "language": api_key.languages,
        "enabled": api_key.is_enabled,
        "permissions": api_key.permissions,
    }


def _error_response(error: ControlError) -> Response:
    details = {"code": error.status, "message": error.message}
    if error.field:
        details["field"] = error.field
    return json_response(status=error.status, value={"error": details})
