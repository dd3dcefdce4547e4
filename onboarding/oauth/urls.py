"""Addresses of connecting, reconnecting and disconnecting."""

from django.urls import path

from onboarding.oauth import install_views, staff_views, views

app_name = "oauth"

urlpatterns = [
    path("stores/<uuid:store_id>/connect/<slug:provider>/", views.connect, name="connect"),
    path("stores/<uuid:store_id>/connection/<uuid:consent_id>/", views.consent, name="consent"),
    path(
        "stores/<uuid:store_id>/connections/<uuid:credential_id>/disconnect/",
        views.disconnect,
        name="disconnect",
    ),
    # The vendors know these addresses to the letter.
    path("connect/<slug:provider>/callback/", views.callback, name="callback"),
    path("install/ecom/", install_views.arrive, name="install"),
    path("install/ecom/arrived/", install_views.arrived, name="install-arrived"),
    path("install/ecom/uninstalled/", install_views.uninstalled, name="uninstalled"),
    path("install/ecom/cancelled/", install_views.cancelled, name="install-cancelled"),
    path("install/ecom/check/", install_views.check, name="install-check"),
    path("staff/providers/", staff_views.providers, name="providers"),
    path("staff/providers/<slug:provider>/", staff_views.provider, name="provider"),
    path("staff/legacy-keys/", staff_views.legacy_keys, name="legacy-keys"),
]
