"""Requests as this site reads them: their text is UTF-8, whatever a header says.

Django reads an address and a form in the charset that `Content-Type` names, which may be any codec
of Python, and looks it up before the first middleware runs. Some are no text at all, some refuse
all, and a name that is none raises: each would be an error of ours that anybody can cause. Browsers
name none, and the API says 415 to any other.
"""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """A request whose `Content-Type` tells the type of its body and nothing about its letters."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            found = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            # A parameter in a charset of its own that there is not.
            found = ("", {})
        self.content_type, self.content_params = found


class Handler(WSGIHandler):
    """Django's, for such requests."""

    request_class = Utf8Request
