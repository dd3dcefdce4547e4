"""Addresses of accounts, help and the way in."""

from django.urls import include, path

from onboarding.people import colleagues, joining, notifications, views

urlpatterns = [
    path("", views.home, name="home"),
    path("help/", views.help_page, name="help"),
    path("language/", views.switch_language, name="set_language"),
    path("invitations/<str:token>/", joining.invitation, name="invitation"),
    path("merchants/<int:merchant_id>/people/", colleagues.people, name="people"),
    path(
        "merchants/<int:merchant_id>/people/<int:member_id>/role/",
        colleagues.role,
        name="member-role",
    ),
    path(
        "merchants/<int:merchant_id>/people/<int:member_id>/remove/",
        colleagues.remove,
        name="member-remove",
    ),
    path(
        "merchants/<int:merchant_id>/invitations/<uuid:invitation_id>/withdraw/",
        colleagues.withdraw,
        name="invitation-withdraw",
    ),
    path("accounts/", views.account, name="account"),
    path("accounts/notifications/", notifications.notifications, name="notifications"),
    path(
        "accounts/notifications/try-again/",
        notifications.try_again,
        name="notifications-try-again",
    ),
    path("mails/stop/<str:token>/", notifications.unsubscribe, name="unsubscribe"),
    path("accounts/stay/", views.stay, name="stay"),
    path("accounts/sessions/", views.sessions, name="usersessions_list"),
    path("accounts/", include("allauth.urls")),
]
