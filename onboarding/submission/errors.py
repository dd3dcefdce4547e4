"""What the services of a submission can refuse.

OnboardingError
├── NotPassedError     the last check does not allow storing: show its result
└── CheckBusyError     the key's windows leave no room for a check of ours now (retryable)
"""

from onboarding.errors import OnboardingError


class NotPassedError(OnboardingError):
    """The pair has not passed a check that is recent enough; nothing was stored."""

    code = "not-passed"


class CheckBusyError(OnboardingError):
    """The app needs every request that the key may send just now; try again in a minute."""

    code = "check-busy"
    retryable = True
