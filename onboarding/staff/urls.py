"""Addresses of the staff panel."""

from django.contrib import admin
from django.urls import include, path

from onboarding.staff import alerts, mails, search, views

urlpatterns = [
    path("staff/search/", search.search, name="staff-search"),
    path("staff/invite/", views.invite, name="staff-invite"),
    path("staff/merchants/<int:merchant_id>/invite/", views.invite_to, name="staff-invite-to"),
    path("staff/merchants/<int:merchant_id>/stores/", views.add_store, name="staff-add-store"),
    path("staff/mails/", mails.mails, name="staff-mails"),
    path("staff/mails/<slug:name>/<slug:language>/", mails.mail, name="staff-mail"),
    path("staff/mails/<slug:name>/<slug:language>/html/", mails.mail_html, name="staff-mail-html"),
    path("staff/alerts/handle/", alerts.handle, name="staff-alerts-handle"),
    path("staff/backends/", include("onboarding.staff.backends.urls")),
    path("staff/cases/", include("onboarding.staff.cases.urls")),
    path("staff/stores/", include("onboarding.staff.stores.urls")),
    path("staff/team/", include("onboarding.staff.team.urls")),
    path("staff/reports/", include("onboarding.staff.reports.urls")),
    path("staff/due-work/", include("onboarding.staff.work.urls")),
    path("staff/glass/", include("onboarding.staff.glass.urls")),
    path("staff/", admin.site.urls),
]
