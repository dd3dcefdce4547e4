"""What every answer below /api/ has in common, whichever view gives it."""

import functools
from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from keyvault.api.conditional import unless_known
from keyvault.api.problems import problem, request_id

View = Callable[..., HttpResponse]

MAX_BODY_BYTES: Final = 16 * 1024
BODY_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})


def bounded(view: View) -> View:
    """Wraps a view: refuses bodies that it need not read, and dresses its answer.

    A wrong method becomes a problem like everything else, no answer may be kept by a cache, reads
    carry a tag, and each answer carries the request's id.
    """

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:  # noqa: PLR2004  # ninja answers it in plain text
            response = problem(
                type_="method-not-allowed", headers={"Allow": response.headers["Allow"]}
            )
        response = unless_known(request, response)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        response.headers["X-Request-ID"] = request_id()
        return response

    return answer


def unacceptable_body(request: HttpRequest) -> HttpResponse | None:
    """The problem with a body that is not worth reading; None when there is none.

    Called once the caller has shown a token, so that nobody else learns what the API takes.
    """
    if request.method not in BODY_METHODS:
        return None
    if "HTTP_TRANSFER_ENCODING" in request.META:
        # WSGI hands over no more of a body than its length says, so this one would seem empty.
        return problem(type_="length-required", detail="send Content-Length, not chunks")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        return problem(type_="not-json", detail="as it is, without Content-Encoding")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES:
        return problem(type_="too-large", detail=f"at most {MAX_BODY_BYTES} bytes")
    charset = (request.content_params or {}).get("charset", "utf-8").lower()
    if request.content_type != "application/json" or charset not in {"utf-8", "utf8"}:
        return problem(type_="not-json", detail="application/json in UTF-8")
    return None


def unreadable_query(request: HttpRequest) -> HttpResponse | None:
    """The problem with an address that Django does not take apart; None when there is none."""
    try:
        # Parsed when it is asked for.
        _ = request.GET
    except TooManyFieldsSent:
        return problem(type_="invalid", detail="too many parameters in the address")
    return None


@bounded
def nothing_here(_request: HttpRequest) -> HttpResponse:
    """Every address below /api/ that is no other view's."""
    return problem(type_="not-found")
