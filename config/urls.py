"""Every address of the site, by the package that answers it."""

from django.urls import include, path

handler400 = "config.failures.bad_request"
handler404 = "config.failures.not_found"
handler500 = "config.failures.server_error"

urlpatterns = [
    path("", include("keyvault.urls")),
    path("", include("onboarding.urls")),
]
