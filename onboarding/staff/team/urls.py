"""Addresses of the staff's own list."""

from django.urls import path

from onboarding.staff.team import views

urlpatterns = [
    path("", views.members, name="staff-team"),
    path("add/", views.add, name="staff-team-add"),
    path("<int:user_id>/role/", views.role, name="staff-team-role"),
]
