"""Logs: one line an event, JSON in production, with everything that looks like a secret cut out."""

import re
from typing import Any, Final

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
# Names under which a value is never logged, whatever it looks like.
_SECRET_NAMES = re.compile(
    r"secret|passw|token|authorization|cookie|api_?key|private", re.IGNORECASE
)
# Our own tokens, bearer and basic headers, and runs of 32 or more hex digits (the vendor's keys).
_SECRET_SHAPES = re.compile(
    r"lk_[A-Za-z0-9_-]{8,}|(?<=Bearer )\S+|(?<=Basic )\S+|(?<![0-9A-Fa-f])[0-9A-Fa-f]{32,}"
)
_MAX_DEPTH = 6
# Django's names for requests that it does not read.
_REFUSED_UNREAD = (
    "DisallowedHost",
    "RequestDataTooBig",
    "TooManyFieldsSent",
    "TooManyFilesSent",
)


def _redacted(value: Any, depth: int = 0) -> Any:  # noqa: ANN401  # log values are anything
    if depth > _MAX_DEPTH:
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_SHAPES.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {
            key: HIDDEN if _SECRET_NAMES.search(str(key)) else _redacted(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [_redacted(item, depth + 1) for item in value]
    return value


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """Cut secrets out of an event, by the name of a field and by the shape of a value."""
    redacted: EventDict = _redacted(event)
    return redacted


def drop_request(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    """Leave out the request that Django attaches: it shows its address, which may hold a key."""
    event.pop("request", None)
    return event


_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
    redact,
]


class LineFormatter(structlog.stdlib.ProcessorFormatter):
    """A log record as one line; deploy/granian-logs.json names it for the server's own records."""

    def __init__(self, *, as_json: bool = True) -> None:
        renderer: Processor = (
            structlog.processors.JSONRenderer()
            if as_json
            else structlog.dev.ConsoleRenderer(colors=False)
        )
        super().__init__(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), drop_request, *_SHARED],
        )


def configured_logging(*, as_json: bool) -> dict[str, Any]:
    """Set structlog up and return the value of Django's LOGGING."""
    structlog.configure(
        processors=[
            # First, so that a line that nobody wants costs nothing.
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter, "as_json": as_json}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO" if as_json else "WARNING"},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            # config.requestlog tells of each request, without its address: that may hold a key.
            "django.request": {"level": "CRITICAL"},
            # Scanners send any Host, and people paste whole books; the request's own line tells of
            # it, and a trace would lead to no mistake of ours.
            **{f"django.security.{name}": {"level": "CRITICAL"} for name in _REFUSED_UNREAD},
            # Every outgoing request at INFO would be noise, and its address is the vendor's.
            "httpx2": {"level": "WARNING"},
            "httpcore2": {"level": "WARNING"},
        },
    }
