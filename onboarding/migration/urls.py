"""Addresses of plans, campaigns and the waiting line."""

from django.urls import path

from onboarding.migration import staff_views, views

app_name = "migration"

urlpatterns = [
    path("waiting/place/<str:token>/", views.place, name="place"),
    path("waiting/<slug:provider>/", views.join, name="join"),
    path("staff/plans/", staff_views.plan_list, name="plans"),
    path("staff/plans/example/", staff_views.add_example, name="example"),
    path("staff/plans/new/", staff_views.new_plan, name="new-plan"),
    path("staff/plans/<int:plan_id>/", staff_views.plan, name="plan"),
    path("staff/plans/<int:plan_id>/edit/", staff_views.edit_plan, name="edit-plan"),
    path("staff/plans/<int:plan_id>/campaigns/new/", staff_views.new_campaign, name="new-campaign"),
    path("staff/plans/<int:plan_id>/<slug:turn>/", staff_views.turn_plan, name="turn-plan"),
    path("staff/phases/<int:phase_id>/remove/", staff_views.remove_phase, name="remove-phase"),
    path("staff/campaigns/<int:campaign_id>/", staff_views.campaign, name="campaign"),
    path(
        "staff/campaigns/<int:campaign_id>/<slug:turn>/",
        staff_views.turn_campaign,
        name="turn-campaign",
    ),
    path("staff/waiting/", staff_views.lines, name="lines"),
]
