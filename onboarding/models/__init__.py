"""The tables of the browser side, one file a subject."""

from onboarding.models.campaign import Brownout, Campaign, Recipient
from onboarding.models.case import Case, CaseMessage
from onboarding.models.consent import Consent
from onboarding.models.glass import GlassRequest
from onboarding.models.install import AppInstall
from onboarding.models.invitation import Invitation
from onboarding.models.mail import BouncedAddress, OutgoingMail
from onboarding.models.merchant import Member, Merchant
from onboarding.models.note import StoreNote
from onboarding.models.notification import (
    DeadlineTold,
    NotificationChoice,
    StaffDigest,
    StoreWatch,
)
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
    "AppInstall",
    "BouncedAddress",
    "Brownout",
    "Campaign",
    "Case",
    "CaseMessage",
    "Consent",
    "DailyPeak",
    "DeadlineTold",
    "GlassRequest",
    "HandOver",
    "Invitation",
    "Member",
    "Merchant",
    "NotificationChoice",
    "OutgoingMail",
    "Phase",
    "Plan",
    "ProviderClient",
    "Recipient",
    "Replacement",
    "StaffDigest",
    "Store",
    "StoreNote",
    "StoreWatch",
    "Submission",
    "TrafficFactors",
    "User",
    "Verification",
    "WaitingMerchant",
    "Walkthrough",
]
