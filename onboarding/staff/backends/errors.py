"""What making tokens can refuse.

OnboardingError
└── TokenClosedError   the token waits no more
    └── OwnTokenError  nobody speaks for their own token
"""

from onboarding.errors import OnboardingError


class TokenClosedError(OnboardingError):
    """The token waits no more: somebody has decided, or a day is over."""

    code = "token-closed"
    message = "this token waits no more"


class OwnTokenError(TokenClosedError):
    """Nobody speaks for a token that they have asked for; a second person must."""

    code = "own-token"
    message = "a second person must decide"
