"""Addresses of the walkthrough, below one store."""

from django.urls import path

from onboarding.walkthrough import hand_over_views, views

app_name = "walkthrough"

urlpatterns = [
    path("", views.start, name="start"),
    path("<int:step>/", views.step, name="step"),
    path("again/", views.start_again, name="again"),
    path("someone-else/", hand_over_views.someone_else, name="someone-else"),
    path("no-api-access/", views.no_api_access, name="no-api-access"),
    path("permissions/", views.permission_list, name="permissions"),
    path("<int:step>/differs/", views.report, name="report"),
]
