"""The document that describes the API: what ninja knows, and what holds of every operation."""

from http import HTTPStatus
from typing import Any, Final

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from keyvault.api.problems import CONTENT_TYPE

_KNOWN_TAG: Final = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of an earlier answer; when it is still right, the answer is 304.",
}
_TAG: Final = {"ETag": {"schema": {"type": "string"}, "description": "For If-None-Match."}}


class BackendAPI(NinjaAPI):
    """Ninja's API, whose document names the media type of problems and conditional reads."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The document, with every refusal as problem details and every read conditional."""
        schema = super().get_openapi_schema(**options)
        for operations in schema["paths"].values():
            for method, operation in operations.items():
                answers = operation["responses"]
                for status, answer in answers.items():
                    if int(status) >= HTTPStatus.BAD_REQUEST and "content" in answer:
                        answer["content"] = {CONTENT_TYPE: answer["content"]["application/json"]}
                if method == "get":
                    operation["parameters"].append(_KNOWN_TAG)
                    answers[HTTPStatus.OK.value]["headers"] = _TAG
                    answers[HTTPStatus.NOT_MODIFIED.value] = {
                        "description": HTTPStatus.NOT_MODIFIED.phrase,
                        "headers": _TAG,
                    }
        return schema
