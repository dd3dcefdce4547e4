"""What stands in an answer, whoever gave it."""

import json
import math
from contextlib import suppress
from typing import Any

from latchkey.hidden import Hidden


def object_in(data: bytes) -> Hidden | None:
    """The JSON object that it is; None: it is none."""
    try:
        answer = json.loads(data, object_hook=Hidden)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, Hidden) else None


def faults_in(answer: dict[str, Any]) -> str:
    """What Latchkey finds wrong in a request, "permits: …"; it never repeats a value."""
    errors = answer.get("errors")
    if not isinstance(errors, list):
        return ""
    pairs = [(each.get("loc"), each.get("msg")) for each in errors if isinstance(each, dict)]
    named = [(loc[-1], msg) for loc, msg in pairs if isinstance(loc, list) and loc]
    return "; ".join(f"{name}: {msg}" if isinstance(msg, str) else str(name) for name, msg in named)


def wait_in(answer: dict[str, Any], headers: Any) -> float:  # noqa: ANN401  # a message's headers
    """The exact wait stands in the body; the header holds whole seconds."""
    waits: tuple[Any, ...] = (answer.get("retry_after_seconds"), headers.get("Retry-After"))
    for told in waits:
        with suppress(TypeError, ValueError):
            seconds = float(told)
            if math.isfinite(seconds) and seconds >= 0:
                return seconds
    return 1.0
