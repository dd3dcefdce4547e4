"""Addresses of the browser side, by feature."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("onboarding.people.urls")),
    path("stores/", include("onboarding.stores.urls")),
    path("", include("onboarding.staff.urls")),
]
