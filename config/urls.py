"""Every address of the site, by the package that answers it."""

from django.urls import include, path

urlpatterns = [
    path("", include("keyvault.urls")),
    path("", include("onboarding.urls")),
]
