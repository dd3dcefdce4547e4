"""Everything that the browser side can refuse, as one tree.

OnboardingError
├── UnknownRecordError     no such store, submission, invitation … for this person: a 404
├── RoleError              the person may see it, but their role may not do this: a 403
├── AlreadyMemberError     the person acts for this merchant already
├── LastOwnerError         a merchant keeps at least one owner
├── CaseClosedError        the investigation is closed: plan the sale anew
├── TooManyCasesError      too many investigations of one store run at once
├── ProviderClosedError    merchants cannot be connected to this vendor yet: the waiting line
├── ConsentOverError       this way to the vendor was used, is too old, or is not this session's
├── InstallRefusedError    an installation of the vendor's app that is not taken; it says why
├── PlanError              a plan that cannot be: a time that no clock shows, a taken name, no phase
└── PhaseStartedError      a phase that has started cannot be changed
"""


class OnboardingError(Exception):
    """Root of the browser side's errors; `str()` is safe to show to a merchant.

    Attributes:
        message: what is said when the raise names nothing better.
    """

    code = "onboarding-error"
    retryable = False
    message = "this cannot be done"

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class UnknownRecordError(OnboardingError):
    """No such record for this person; whether it exists for another is nobody's business."""

    code = "not-found"
    message = "no such record"


class RoleError(OnboardingError):
    """The person may see it, but their role may not do this."""

    code = "role"
    message = "only an owner may do this"


class AlreadyMemberError(OnboardingError):
    """The person acts for this merchant already."""

    code = "already-member"
    message = "this person acts for the merchant already"


class LastOwnerError(OnboardingError):
    """A merchant keeps at least one owner."""

    code = "last-owner"
    message = "a merchant keeps at least one owner"


class CaseClosedError(OnboardingError):
    """The investigation is closed; plan the sale anew."""

    code = "case-closed"
    message = "this investigation is closed"


class TooManyCasesError(OnboardingError):
    """Too many investigations of one store run at once; take one back first."""

    code = "too-many-cases"
    message = "too many investigations at once"


class ProviderClosedError(OnboardingError):
    """Merchants cannot be connected to this vendor yet; offer the waiting line."""

    code = "provider-closed"
    message = "this vendor cannot be connected yet"


class ConsentOverError(OnboardingError):
    """This way to the vendor was used, is too old, or belongs to another session."""

    code = "consent-over"
    message = "this connection was started elsewhere or is over"


class InstallRefusedError(OnboardingError):
    """An installation of the vendor's app that is not taken; nothing was stored.

    Attributes:
        outcome: why, a value of `oauth.install_outcomes.InstallOutcome`.
    """

    code = "install-refused"
    message = "this installation cannot be taken"

    def __init__(self, outcome: str) -> None:
        super().__init__()
        self.outcome = outcome


class PhaseStartedError(OnboardingError):
    """A phase that has started cannot be changed any more."""

    code = "phase-started"
    message = "this phase has started"


class InvitationClosedError(OnboardingError):
    """The link was used, withdrawn or has expired; ask for a new one."""

    code = "invitation-closed"
    message = "this invitation does not work any more"


class OtherAddressError(OnboardingError):
    """The invitation is for another address than that of the account."""

    code = "other-address"
    message = "this invitation is for another address"


class AccountExistsError(OnboardingError):
    """The invited address has an account: its owner signs in instead of making one."""

    code = "account-exists"
    message = "this address has an account already"


class SameNameError(OnboardingError):
    """A merchant of this name is there already; a second one would be taken for it."""

    code = "same-name"
    message = "a merchant of this name is there already"


class PlanError(OnboardingError):
    """A plan that cannot be: a time that no clock shows, a name that is taken, no phase."""

    code = "plan"
    message = "this plan cannot be"
