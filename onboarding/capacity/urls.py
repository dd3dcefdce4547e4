"""Addresses of the planner and of investigations, below one store."""

from django.urls import path

from onboarding.capacity import views

urlpatterns = [
    path("", views.plan, name="sale"),
    path("add-keys/", views.add_keys, name="sale-add-keys"),
    path("cases/<uuid:case_id>/", views.case, name="case"),
    path("cases/<uuid:case_id>/withdraw/", views.withdraw, name="case-withdraw"),
]
