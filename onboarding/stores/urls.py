"""Addresses of the stores and of everything below one."""

from django.urls import include, path

from onboarding.stores import actions, views

urlpatterns = [
    path("", views.store_list, name="stores"),
    path("<uuid:store_id>/", views.store, name="store"),
    path("<uuid:store_id>/activity/", views.activity, name="store-activity"),
    path("<uuid:store_id>/sale/", include("onboarding.capacity.urls")),
    path("<uuid:store_id>/keys/new/", include("onboarding.submission.urls")),
    path("<uuid:store_id>/walkthrough/", include("onboarding.walkthrough.urls")),
    path("<uuid:store_id>/keys/<uuid:credential_id>/check/", actions.check, name="key-check"),
    path("<uuid:store_id>/keys/<uuid:credential_id>/pause/", actions.pause, name="key-pause"),
    path("<uuid:store_id>/keys/<uuid:credential_id>/resume/", actions.resume, name="key-resume"),
    path("<uuid:store_id>/keys/<uuid:credential_id>/undo/", actions.undo, name="key-undo"),
    path("<uuid:store_id>/usage/", views.usage_page, name="store-usage"),
    path("<uuid:store_id>/record/", views.download_record, name="store-record"),
    path("<uuid:store_id>/keys/<uuid:credential_id>/remove/", actions.remove, name="key-remove"),
]
