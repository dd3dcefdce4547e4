"""People who sign in: merchants and staff."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models

from keyvault.models import Keychain


class UserManager(BaseUserManager["User"]):
    """Makes accounts that are known by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an account; the address is stored in lower case."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an account that may do everything in the staff panel."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """An account; the e-mail address is its name."""

    username = None  # type: ignore[assignment]  # the e-mail address is the name
    email = models.EmailField("e-mail address", unique=True)
    language = models.CharField(max_length=8, default="en")
    # Holds the secrets of the second step; made when there is the first.
    keychain = models.OneToOneField(Keychain, models.PROTECT, null=True, related_name="person")
    time_zone = models.CharField(max_length=40, default="Europe/Amsterdam")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # no user names

    def __str__(self) -> str:
        return self.email
