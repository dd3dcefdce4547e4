"""Addresses of backends and their tokens."""

from django.urls import path

from onboarding.staff import signing
from onboarding.staff.backends import views

urlpatterns = [
    path("new/", views.register, name="staff-backend-new"),
    path("<uuid:backend_id>/tokens/", views.make, name="staff-token-new"),
    path("<uuid:backend_id>/switch/", views.switch, name="staff-backend-switch"),
    path("<uuid:backend_id>/signing-key/", signing.signing_key, name="staff-signing-key"),
    path("tokens/<int:token_id>/decide/", views.decide, name="staff-token-decide"),
    path("tokens/<int:token_id>/revoke/", views.revoke, name="staff-token-revoke"),
]
