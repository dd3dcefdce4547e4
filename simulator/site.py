"""From a request to its answer: which area it is for, and whether a fault is due."""

from typing import Protocol

from simulator.control import PREFIX, Control
from simulator.ecom.apps import PREFIX as APPS_PREFIX
from simulator.ecom.apps import AppArea
from simulator.ecom.area import EcomArea
from simulator.faults import Fault, FaultKind
from simulator.mishaps import DELIVERIES, UNANSWERED, Delivery, spoil
from simulator.retail.area import PREFIXES as RETAIL_PREFIXES
from simulator.retail.area import RetailArea
from simulator.retail.shelf import Shelf
from simulator.state import State
from simulator.wire import Request, Response


class Area(Protocol):
    """One vendor API; it answers every request below the paths that it is given."""

    def answer(self, request: Request) -> Response:
        """Answer in the ordinary way."""

    def unauthorized(self, request: Request) -> Response:
        """Refuse the caller, whoever it is."""

    def throttled(self, request: Request) -> Response:
        """Refuse for lack of room in a window, whatever the windows say."""


class Site:
    """Everything behind one set of ports."""

    def __init__(self, *, state: State, shelf: Shelf | None = None) -> None:
        self._shelf = shelf or Shelf(retail=state.retail, path=None)
        self.control = Control(state=state)
        self.state = state
        retail = RetailArea(retail=state.retail, stats=state.stats)
        self._areas: tuple[tuple[str, Area], ...] = (
            *((prefix, retail) for prefix in RETAIL_PREFIXES),
            (
                APPS_PREFIX,
                AppArea(apps=state.apps, keys=state.keys, clock=state.retail.clock),
            ),
            ("/", EcomArea(state=state)),
        )

    def reply(self, request: Request) -> Response | Delivery:
        """Answer one request: a plain response, or one to be delivered in an unusual way.

        What the request changed is kept before anybody hears of it.
        """
        answer = self._reply(request)
        self._shelf.keep()
        return answer

    def _reply(self, request: Request) -> Response | Delivery:
        if request.path.startswith(PREFIX):
            return self.control.answer(request)
        fault = self.state.faults.take(request.path)
        response = self._respond(request=request, fault=fault)
        self.state.stats.requests += 1
        if fault is None or fault.kind not in UNANSWERED:
            self.state.stats.by_status[response.status] += 1
        if fault is None and response.delay_seconds:
            fault = Fault(FaultKind.DELAY, seconds=response.delay_seconds, size_bytes=0)
        if fault is None or fault.kind not in DELIVERIES:
            return response
        return Delivery(
            fault=fault,
            response=response,
            keep_alive=request.is_kept_alive,
            with_body=request.method != "HEAD",
        )

    def _respond(self, *, request: Request, fault: Fault | None) -> Response:
        area = self._area_of(request.path)
        if fault is None:
            return area.answer(request)
        if fault.kind == FaultKind.UNAUTHORIZED:
            return area.unauthorized(request)
        if fault.kind == FaultKind.THROTTLED:
            return area.throttled(request)
        return spoil(response=area.answer(request), fault=fault)

    def _area_of(self, path: str) -> Area:
        matching = [area for prefix, area in self._areas if path.startswith(prefix)]
        return matching[0] if matching else self._areas[-1][1]
