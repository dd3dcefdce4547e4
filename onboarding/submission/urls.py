"""Addresses of a submission, below one store."""

from django.urls import path

from onboarding.submission import actions, views

app_name = "submission"

urlpatterns = [
    path("", views.paste, name="paste"),
    path("latest/", views.latest, name="latest"),
    path("<uuid:submission_id>/", views.result, name="result"),
    path("<uuid:submission_id>/paste/", views.paste_again, name="paste-again"),
    path("<uuid:submission_id>/check/", actions.check_again, name="check"),
    path("<uuid:submission_id>/delete/", actions.delete, name="delete"),
    path("<uuid:submission_id>/store/", actions.store, name="store"),
    path("<uuid:submission_id>/cluster/", actions.ask_other_cluster, name="cluster"),
    path("<uuid:submission_id>/language/", actions.ask_other_language, name="language"),
    path("<uuid:submission_id>/shop/", actions.confirm_shop, name="shop"),
]
