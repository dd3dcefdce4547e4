"""The tables of the browser side, one file a subject."""

from onboarding.models.merchant import Member, Merchant
from onboarding.models.person import User
from onboarding.models.store import Store
from onboarding.models.submission import Submission
from onboarding.models.verification import Verification
from onboarding.models.walkthrough import Walkthrough

__all__ = ["Member", "Merchant", "Store", "Submission", "User", "Verification", "Walkthrough"]
