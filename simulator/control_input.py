"""Reading what a control request asks for; every error names the field."""

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.faults import DEFAULT_BYTES, DEFAULT_SECONDS, MEBIBYTE, Fault, FaultKind
from simulator.keys import KeyChange
from simulator.rights import ACTIONS, GROUPS

CLUSTERS = ("eu1", "us1")

MAX_SHOP_ID = 2**53
MAX_COUNT = 1_000_000
MAX_SECONDS = 600
MAX_SIZE_BYTES = 1_024 * MEBIBYTE

_KEY = re.compile(r"[!-9;-~]{1,256}")
_SECRET = re.compile(r"[!-~]{1,256}")
_LANGUAGE = re.compile(r"[a-z]{2}")

JsonObject = Mapping[str, Any]


class ControlError(ValueError):
    """A control request that cannot be followed: its HTTP status, and the field if there is one."""

    def __init__(self, *, message: str, status: int = 422, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field


@dataclass(frozen=True, slots=True)
class FaultRequest:
    """A fault to plan."""

    path: str
    fault: Fault
    count: int


def read_object(body: bytes) -> JsonObject:
    """Parse a body that must be one JSON object.

    Raises:
        ControlError: 400, it is not.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ControlError(message="The body is no JSON.", status=400) from None
    if not isinstance(document, dict):
        raise ControlError(message="The body must be one JSON object.", status=400)
    return document


def read_key_change(fields: JsonObject) -> KeyChange:
    """Check the fields of `POST /_sim/keys`.

    Raises:
        ControlError: 422, with the field.
    """
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "key": ("key", _read_key),
        "secret": ("secret", _read_secret),
        "cluster": ("cluster", _read_cluster),
        "shop_id": ("shop_id", _read_shop_id),
        "language": ("languages", _read_languages),
        "enabled": ("is_enabled", _read_enabled),
        "permissions": ("permissions", _read_permissions),
    }
    _refuse_unknown(fields, known=readers, prefix="")
    if "key" not in fields:
        raise ControlError(message="is needed", field="key")
    return KeyChange(
        **{
            attribute: read(fields[name])
            for name, (attribute, read) in readers.items()
            if name in fields
        }
    )


def read_fault(fields: JsonObject) -> FaultRequest:
    """Check the fields of `POST /_sim/faults`.

    Raises:
        ControlError: 422, with the field.
    """
    _refuse_unknown(fields, known=("path", "kind", "count", "seconds", "bytes"), prefix="")
    path, kind = fields.get("path"), fields.get("kind")
    if not isinstance(path, str):
        raise ControlError(message="must be a string", field="path")
    if not isinstance(kind, str) or kind not in set(FaultKind):
        raise ControlError(message=f"must be one of {', '.join(FaultKind)}", field="kind")
    fault_kind = FaultKind(kind)
    return FaultRequest(
        path=path,
        count=_integer(fields.get("count", 1), field="count", most=MAX_COUNT),
        fault=Fault(
            kind=fault_kind,
            seconds=_read_seconds(fields.get("seconds", DEFAULT_SECONDS.get(fault_kind, 0.0))),
            size_bytes=_integer(
                fields.get("bytes", DEFAULT_BYTES.get(fault_kind, MEBIBYTE)),
                field="bytes",
                most=MAX_SIZE_BYTES,
            ),
        ),
    )


def _refuse_unknown(fields: JsonObject, *, known: Container[str], prefix: str) -> None:
    for name in fields:
        if name not in known:
            raise ControlError(message="is not known", field=f"{prefix}{name}")


def _read_key(value: object) -> str:
    if not isinstance(value, str) or _KEY.fullmatch(value) is None:
        raise ControlError(
            message="must be 1 to 256 printable ASCII characters without spaces and colons",
            field="key",
        )
    return value


def _read_secret(value: object) -> str:
    if not isinstance(value, str) or _SECRET.fullmatch(value) is None:
        raise ControlError(
            message="must be 1 to 256 printable ASCII characters without spaces", field="secret"
        )
    return value


def _read_cluster(value: object) -> str:
    if not isinstance(value, str) or value not in CLUSTERS:
        raise ControlError(message=f"must be one of {', '.join(CLUSTERS)}", field="cluster")
    return value


def _read_shop_id(value: object) -> int:
    if (
        isinstance(value, str)
        and value.isascii()
        and value.isdigit()
        and len(value) <= len(str(MAX_SHOP_ID))
    ):
        value = int(value)
    return _integer(value, field="shop_id", most=MAX_SHOP_ID)


def _read_languages(value: object) -> tuple[str, ...]:
    codes = [value] if isinstance(value, str) else value
    if (
        not isinstance(codes, list)
        or not codes
        or not all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in codes)
    ):
        raise ControlError(
            message="must be a two-letter lower-case code, or a list of them", field="language"
        )
    return tuple(dict.fromkeys(codes))


def _read_enabled(value: object) -> bool:
    if not isinstance(value, bool):
        raise ControlError(message="must be true or false", field="enabled")
    return value


def _read_permissions(value: object) -> dict[str, dict[str, bool]]:
    if not isinstance(value, dict):
        raise ControlError(message="must be an object", field="permissions")
    _refuse_unknown(value, known=GROUPS, prefix="permissions.")
    return {
        group: _read_actions(actions, field=f"permissions.{group}")
        for group, actions in value.items()
    }


def _read_actions(value: object, *, field: str) -> dict[str, bool]:
    if not isinstance(value, dict):
        raise ControlError(message="must be an object", field=field)
    _refuse_unknown(value, known=ACTIONS, prefix=f"{field}.")
    for action, is_granted in value.items():
        if not isinstance(is_granted, bool):
            raise ControlError(message="must be true or false", field=f"{field}.{action}")
    return value


def _read_seconds(value: object) -> float:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value <= MAX_SECONDS
    ):
        raise ControlError(message=f"must be a number from 0 to {MAX_SECONDS}", field="seconds")
    return float(value)


def _integer(value: object, *, field: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise ControlError(message=f"must be an integer from 1 to {most}", field=field)
    return value
