"""Addresses of what staff do about one store."""

from django.urls import path

from onboarding.staff.stores import views

urlpatterns = [
    path("<uuid:store_id>/as-merchant/", views.as_merchant, name="staff-as-merchant"),
    path("<uuid:store_id>/notes/", views.note, name="staff-note"),
]
