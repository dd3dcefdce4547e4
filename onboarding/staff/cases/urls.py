"""Addresses of investigations, for staff."""

from django.urls import path

from onboarding.staff.cases import factor_views, views

urlpatterns = [
    path("", views.cases, name="staff-cases"),
    path("factors/", factor_views.factors, name="staff-factors"),
    path("<uuid:case_id>/", views.case, name="staff-case"),
    path("<uuid:case_id>/factors/", factor_views.store_factors, name="staff-store-factors"),
]
