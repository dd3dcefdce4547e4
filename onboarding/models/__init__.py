"""The tables of the browser side, one file a subject."""

from onboarding.models.campaign import Brownout, Campaign, Recipient
from onboarding.models.case import Case, CaseMessage
from onboarding.models.consent import Consent
from onboarding.models.invitation import Invitation
from onboarding.models.mail import OutgoingMail
from onboarding.models.merchant import Member, Merchant
from onboarding.models.person import User
from onboarding.models.plan import Phase, Plan
from onboarding.models.provider import ProviderClient
from onboarding.models.replacement import Replacement
from onboarding.models.store import Store
from onboarding.models.submission import Submission
from onboarding.models.traffic import DailyPeak, TrafficFactors
from onboarding.models.verification import Verification
from onboarding.models.waiting import WaitingMerchant
from onboarding.models.walkthrough import HandOver, Walkthrough

__all__ = [
    "Brownout",
    "Campaign",
    "Case",
    "CaseMessage",
    "Consent",
    "DailyPeak",
    "HandOver",
    "Invitation",
    "Member",
    "Merchant",
    "OutgoingMail",
    "Phase",
    "Plan",
    "ProviderClient",
    "Recipient",
    "Replacement",
    "Store",
    "Submission",
    "TrafficFactors",
    "User",
    "Verification",
    "WaitingMerchant",
    "Walkthrough",
]
