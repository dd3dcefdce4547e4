"""Addresses of due work."""

from django.urls import path

from onboarding.staff.work import views

urlpatterns = [
    path("", views.work, name="staff-work"),
    path("retry/", views.retry, name="staff-work-retry"),
]
