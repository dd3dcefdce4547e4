"""How allauth behaves here."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Accounts of this site."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Say whether people may make accounts by themselves."""
        return bool(settings.SIGNUP_OPEN)
