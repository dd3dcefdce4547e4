"""Addresses of the browser side, by feature."""

from django.urls import URLPattern, URLResolver, include, path

from onboarding.walkthrough.hand_over_views import begin, handed_back

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("onboarding.people.urls")),
    path("stores/", include("onboarding.stores.urls")),
    path("hand-over/done/", handed_back, name="handed-back"),
    path("hand-over/<str:token>/", begin, name="hand-over"),
    path("", include("onboarding.migration.urls")),
    path("", include("onboarding.oauth.urls")),
    path("", include("onboarding.staff.urls")),
]
