"""What giving roles can refuse.

OnboardingError
├── OwnRoleError       nobody changes their own role
├── SuperuserError     an account that may do everything is changed by a command only
└── LastSecurityError  nobody would be left who may give roles and approve
"""

from onboarding.errors import OnboardingError


class OwnRoleError(OnboardingError):
    """Nobody changes their own role; a colleague must."""

    code = "own-role"
    message = "a colleague must change your role"


class SuperuserError(OnboardingError):
    """An account that may do everything was made by a command, and is changed by one."""

    code = "superuser"
    message = "this account is changed by a command"


class LastSecurityError(OnboardingError):
    """Somebody must be left who may give roles and approve."""

    code = "last-security"
    message = "somebody must keep the security role"
