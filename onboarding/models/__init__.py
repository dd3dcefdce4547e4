"""The tables of the browser side, one file a subject."""

from onboarding.models.invitation import Invitation
from onboarding.models.mail import OutgoingMail
from onboarding.models.merchant import Member, Merchant
from onboarding.models.person import User
from onboarding.models.store import Store
from onboarding.models.submission import Submission
from onboarding.models.verification import Verification
from onboarding.models.walkthrough import Walkthrough

__all__ = [
    "Invitation",
    "Member",
    "Merchant",
    "OutgoingMail",
    "Store",
    "Submission",
    "User",
    "Verification",
    "Walkthrough",
]
