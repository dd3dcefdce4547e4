"""Addresses of accounts, help and the way in."""

from django.urls import include, path

from onboarding.people import views

urlpatterns = [
    path("", views.home, name="home"),
    path("help/", views.help_page, name="help"),
    path("language/", views.switch_language, name="set_language"),
    path("accounts/", views.account, name="account"),
    path("accounts/sessions/", views.sessions, name="usersessions_list"),
    path("accounts/", include("allauth.urls")),
]
