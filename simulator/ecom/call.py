"""One authenticated C-Series request on its way to an endpoint."""

from dataclasses import dataclass, field

from simulator.answers import Headers, json_response, vendor_error
from simulator.keys import ApiKey
from simulator.limits import DAY_SECONDS, FIVE_MINUTES_SECONDS, HOUR_SECONDS
from simulator.windows import Reading
from simulator.wire import Request, Response

UNREPORTED_SECONDS = 1
"""The window that the vendor enforces without a place in its headers."""

WINDOW_NAMES = {
    FIVE_MINUTES_SECONDS: "limit5Min",
    HOUR_SECONDS: "limitHour",
    DAY_SECONDS: "limitDay",
}


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint may look at.

    Attributes:
        request: The request itself.
        presented_key: The API key in plain, as the request carried it.
        api_key: What is known of that key.
        readings: The windows that the vendor reports, this request included.
        record_id: The number in the path, or None.
    """

    request: Request
    presented_key: str = field(repr=False)
    api_key: ApiKey
    readings: tuple[Reading, ...]
    record_id: int | None = None

    def ok(self, value: object, *, status: int = 200) -> Response:
        """Answer with a JSON value and the rate headers."""
        return json_response(status=status, value=value, headers=rate_headers(self.readings))

    def no_content(self) -> Response:
        """Answer 204."""
        return Response(status=204, headers=rate_headers(self.readings))

    def error(self, *, status: int, message: str, headers: Headers = ()) -> Response:
        """Answer with the vendor's error object and the rate headers."""
        return vendor_error(
            request=self.request,
            status=status,
            message=message,
            headers=(*rate_headers(self.readings), *headers),
        )


def reported(readings: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Leave out the windows that have no place in the headers."""
    return tuple(reading for reading in readings if reading.limit.seconds != UNREPORTED_SECONDS)


def rate_headers(readings: tuple[Reading, ...]) -> Headers:
    """Give the three headers, one slash-joined part a window."""
    if not readings:
        return ()
    return (
        ("X-RateLimit-Limit", "/".join(str(reading.limit.requests) for reading in readings)),
        ("X-RateLimit-Remaining", "/".join(str(reading.remaining) for reading in readings)),
        ("X-RateLimit-Reset", "/".join(str(reading.reset_seconds) for reading in readings)),
    )


def window_name(seconds: int) -> str:
    """Name a window as `account/ratelimit` does; other widths get a name of that pattern."""
    return WINDOW_NAMES.get(seconds, f"limit{seconds}Sec")
