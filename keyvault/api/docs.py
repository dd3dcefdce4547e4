"""The page that shows the API's document to people: made here, so that nothing is loaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from keyvault.api.app import api
from keyvault.api.boundary import bounded
from keyvault.api.problems import KINDS

# The site's own style sheets and pictures, and nothing else.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

Node = Mapping[str, Any]
# Pieces of text; the second of each pair says whether it is code.
Words = tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A parameter, or a member of a body."""

    name: str
    kind: str
    shape: str
    is_required: bool
    words: Words


@dataclass(frozen=True, slots=True)
class Shape:
    """An object that is sent or answered."""

    name: str
    paragraphs: tuple[Words, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One status of an operation."""

    status: int
    phrase: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    paragraphs: tuple[Words, ...]
    parameters: tuple[Member, ...]
    body: str
    answers: tuple[Answer, ...]


@bounded
@require_safe
def docs(_request: HttpRequest) -> HttpResponse:
    """The API for people; it says nothing that the document does not."""
    return HttpResponse(_page(), headers={"Content-Security-Policy": POLICY})


@lru_cache
def _page() -> str:
    document = api.get_openapi_schema()
    context = {
        "info": document["info"],
        "token": _words(document["components"]["securitySchemes"]["Token"]["description"]),
        "operations": _operations(document["paths"]),
        "shapes": [_shape(name, node) for name, node in document["components"]["schemas"].items()],
        "problems": [(type_, int(kind.status), kind.title) for type_, kind in KINDS.items()],
    }
    return render_to_string("keyvault/api.html", context)


def _operations(paths: Node) -> list[Operation]:
    return [
        _operation(path=path, method=method, node=node)
        for path, operations in paths.items()
        for method, node in operations.items()
    ]


def _operation(*, path: str, method: str, node: Node) -> Operation:
    return Operation(
        id=str(node["operationId"]).removeprefix("keyvault_api_"),
        method=method.upper(),
        path=path,
        summary=node["summary"],
        paragraphs=_paragraphs(node),
        parameters=tuple(
            _member(
                name=each["name"],
                node={**each["schema"], "description": each.get("description", "")},
                is_required=each["required"],
            )
            for each in node["parameters"]
        ),
        body=_content(node.get("requestBody", {})),
        answers=tuple(
            Answer(
                status=int(status), phrase=HTTPStatus(int(status)).phrase, shape=_content(answer)
            )
            for status, answer in sorted(node["responses"].items(), key=lambda each: int(each[0]))
        ),
    )


def _shape(name: str, node: Node) -> Shape:
    required = node.get("required", ())
    return Shape(
        name=name,
        paragraphs=_paragraphs(node),
        members=tuple(
            _member(name=each, node=member, is_required=each in required)
            for each, member in node.get("properties", {}).items()
        ),
    )


def _member(*, name: str, node: Node, is_required: bool) -> Member:
    kind = _kind(node)
    if "default" in node and node["default"] is not None:
        kind += f", default {node['default']}"
    return Member(
        name=name,
        kind=kind,
        shape=next(_shapes_in(node), ""),
        is_required=is_required,
        words=_words(node.get("description", "")),
    )


def _kind(node: Node) -> str:
    """The type of a value in words."""
    if "anyOf" in node:
        return " or ".join(_kind(each) for each in node["anyOf"])
    if "$ref" in node:
        return _name(node)
    if "enum" in node:
        return ", ".join(f'"{each}"' for each in node["enum"])
    if node.get("type") == "array":
        return f"list of {_kind(node['items'])}"
    return f"{node.get('format') or node.get('type', 'anything')}{_range(node)}"


def _range(node: Node) -> str:
    least, most = node.get("minimum"), node.get("maximum")
    if most is not None:
        return f", {least} to {most}"
    longest = node.get("maxLength")
    return f", at most {longest} characters" if longest else ""


def _shapes_in(node: Node) -> Iterator[str]:
    if "$ref" in node:
        yield _name(node)
    inner = [*node.get("anyOf", ()), *([node["items"]] if "items" in node else [])]
    for each in inner:
        yield from _shapes_in(each)


def _content(node: Node) -> str:
    """The name of the object in a body; empty: there is no body."""
    return next((_name(each["schema"]) for each in node.get("content", {}).values()), "")


def _name(node: Node) -> str:
    return str(node["$ref"]).rpartition("/")[2]


def _paragraphs(node: Node) -> tuple[Words, ...]:
    texts = str(node.get("description", "")).split("\n\n")
    return tuple(_words(text) for text in texts if text.strip())


def _words(text: str) -> Words:
    pieces = enumerate(text.split("`"))
    return tuple((piece, number % 2 == 1) for number, piece in pieces if piece)
