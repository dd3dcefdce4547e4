"""One view that does nothing, at the address of a lease."""

from django.http import HttpRequest, JsonResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def bare(_request: HttpRequest) -> JsonResponse:
    """The least that a view can answer."""
    return JsonResponse({"status": "ok"})


urlpatterns = [re_path("", bare)]
