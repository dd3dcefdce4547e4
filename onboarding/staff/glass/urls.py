"""Addresses of broken glass."""

from django.urls import path

from onboarding.staff.glass import views

urlpatterns = [
    path("", views.requests, name="staff-glass-list"),
    path("keys/<uuid:credential_id>/", views.ask, name="staff-glass-ask"),
    path("<uuid:request_id>/", views.request_page, name="staff-glass"),
    path("<uuid:request_id>/decide/", views.decide, name="staff-glass-decide"),
    path("<uuid:request_id>/withdraw/", views.withdraw, name="staff-glass-withdraw"),
    path("<uuid:request_id>/open/", views.open_it, name="staff-glass-open"),
]
