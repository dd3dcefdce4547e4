"""Addresses of the reports."""

from django.urls import path

from onboarding.staff.reports import views

urlpatterns = [
    path("", views.reports, name="staff-reports"),
    path("<slug:name>.csv", views.report_file, name="staff-report-file"),
]
