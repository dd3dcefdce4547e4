"""Every address of the site, by the package that answers it."""

from django.urls import include, path

from config.brand import brand_file

handler400 = "config.failures.bad_request"
handler404 = "config.failures.not_found"
handler500 = "config.failures.server_error"

urlpatterns = [
    path("brand/<str:name>", brand_file),
    path("", include("keyvault.urls")),
    path("", include("onboarding.urls")),
]
