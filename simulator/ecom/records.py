"""The endpoints of a resource. Writes are checked and answered, and nothing is kept."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from simulator.ecom.call import Call
from simulator.ecom.resources import CREATED_AT, Record, Resource
from simulator.wire import Response

DEFAULT_PAGE_RECORDS = 50
MAX_PAGE_RECORDS = 250
MAX_PAGE = 1_000_000

NOT_FOUND_MESSAGE = "Resource not found."

Endpoint = Callable[[Call], Response]


def list_records(call: Call, *, resource: Resource) -> Response:
    """`GET products`: one page of records, by `limit` and `page`."""
    limit = _number(call, name="limit", default=DEFAULT_PAGE_RECORDS, most=MAX_PAGE_RECORDS)
    page = _number(call, name="page", default=1, most=MAX_PAGE)
    if limit is None or page is None:
        return call.error(status=400, message="Invalid value for limit or page.")
    start = (page - 1) * limit
    return call.ok({resource.plural: resource.records[start : start + limit]})


def count_records(call: Call, *, resource: Resource) -> Response:
    """`GET products/count`."""
    return call.ok({"count": len(resource.records)})


def read_record(call: Call, *, resource: Resource) -> Response:
    """`GET products/1`."""
    record = _find(call, resource=resource)
    if record is None:
        return call.error(status=404, message=NOT_FOUND_MESSAGE)
    return call.ok({resource.singular: record})


def create_record(call: Call, *, resource: Resource) -> Response:
    """`POST products`: 201 with the record as it would be."""
    fields = _posted_fields(call, resource=resource)
    if fields is None:
        return call.error(status=400, message=f"Send an object named {resource.singular}.")
    next_id = resource.records[-1]["id"] + 1
    stamps = {"createdAt": CREATED_AT, "updatedAt": CREATED_AT}
    return call.ok({resource.singular: {**fields, "id": next_id, **stamps}}, status=201)


def update_record(call: Call, *, resource: Resource) -> Response:
    """`PUT products/1`: 200 with the record as it would be."""
    record = _find(call, resource=resource)
    if record is None:
        return call.error(status=404, message=NOT_FOUND_MESSAGE)
    fields = _posted_fields(call, resource=resource)
    if fields is None:
        return call.error(status=400, message=f"Send an object named {resource.singular}.")
    return call.ok({resource.singular: {**record, **fields, "id": record["id"]}})


def delete_record(call: Call, *, resource: Resource) -> Response:
    """`DELETE products/1`: 204."""
    if _find(call, resource=resource) is None:
        return call.error(status=404, message=NOT_FOUND_MESSAGE)
    return call.no_content()


def bind(endpoint: Callable[..., Response], resource: Resource) -> Endpoint:
    """Fix the resource of an endpoint."""
    return partial(endpoint, resource=resource)


def _find(call: Call, *, resource: Resource) -> Record | None:
    return next((row for row in resource.records if row["id"] == call.record_id), None)


def _number(call: Call, *, name: str, default: int, most: int) -> int | None:
    text = call.request.parameters().get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return min(int(text), most) or None


def _posted_fields(call: Call, *, resource: Resource) -> dict[str, Any] | None:
    try:
        document = json.loads(call.request.body)
    except (ValueError, RecursionError):
        return None
    fields = document.get(resource.singular) if isinstance(document, dict) else None
    return fields if isinstance(fields, dict) else None
