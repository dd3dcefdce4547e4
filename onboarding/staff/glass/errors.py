"""What breaking glass can refuse.

OnboardingError
└── GlassClosedError    the request is over, was used, or is not this person's to decide or to open
    └── OwnRequestError  nobody approves their own request
"""

from onboarding.errors import OnboardingError


class GlassClosedError(OnboardingError):
    """The request is over, was used, or is not this person's to decide; nothing was opened."""

    code = "glass-closed"
    message = "this request is over, or it is not yours"


class OwnRequestError(GlassClosedError):
    """Nobody approves or denies their own request; a second person must."""

    code = "own-request"
    message = "a second person must decide"
