"""Addresses of connecting, reconnecting and disconnecting."""

from django.urls import path

from onboarding.oauth import staff_views, views

app_name = "oauth"

urlpatterns = [
    path("stores/<uuid:store_id>/connect/<slug:provider>/", views.connect, name="connect"),
    path("stores/<uuid:store_id>/connection/<uuid:consent_id>/", views.consent, name="consent"),
    path(
        "stores/<uuid:store_id>/connections/<uuid:credential_id>/disconnect/",
        views.disconnect,
        name="disconnect",
    ),
    # The vendors know this address to the letter.
    path("connect/<slug:provider>/callback/", views.callback, name="callback"),
    path("staff/providers/", staff_views.providers, name="providers"),
    path("staff/providers/<slug:provider>/", staff_views.provider, name="provider"),
    path("staff/legacy-keys/", staff_views.legacy_keys, name="legacy-keys"),
]
