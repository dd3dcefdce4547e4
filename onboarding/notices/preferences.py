"""What people want to be told, and who therefore is."""

from collections.abc import Mapping

from django.core import signing
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from onboarding.models import Member, NotificationChoice, User
from onboarding.notices.letters import absolute_url

Topic = NotificationChoice.Topic
Choice = NotificationChoice.Choice

AT_ONCE_OR_NEVER = (Choice.AT_ONCE, Choice.OFF)
# What may be chosen, the default first.
MERCHANT_TOPICS: dict[Topic, tuple[Choice, ...]] = {
    Topic.KEYS: AT_ONCE_OR_NEVER,
    Topic.DEADLINES: AT_ONCE_OR_NEVER,
    Topic.CASES: AT_ONCE_OR_NEVER,
    Topic.CAMPAIGNS: AT_ONCE_OR_NEVER,
}
STAFF_TOPICS: dict[Topic, tuple[Choice, ...]] = {
    Topic.ALERTS: AT_ONCE_OR_NEVER,
    Topic.DIGEST: (Choice.DAILY, Choice.HOURLY, Choice.OFF),
}
_SALT = "latchkey.notices.unsubscribe"


def topics_of(user: User) -> dict[Topic, tuple[Choice, ...]]:
    """The topics that concern somebody, each with what may be chosen, the default first."""
    return {**MERCHANT_TOPICS, **(STAFF_TOPICS if user.is_staff else {})}


def choices_of(user: User) -> dict[Topic, Choice]:
    """What somebody chose, with the defaults of what they left alone. One query."""
    chosen = dict(_kept_by(user).values_list("topic", "choice"))
    return {
        topic: Choice(chosen.get(topic, options[0])) for topic, options in topics_of(user).items()
    }


def save_choices(*, user: User, choices: Mapping[Topic, Choice]) -> None:
    """Keeps what somebody chose.

    Args:
        user: whose choices they are.
        choices: by topic; topics that are left out stay as they are.

    Raises:
        ValueError: a topic that does not concern them, or a choice that it does not have.
    """
    offered = topics_of(user)
    for topic, choice in choices.items():
        if choice not in offered.get(topic, ()):
            message = f"{topic} cannot be {choice}"
            raise ValueError(message)
    for topic, choice in choices.items():
        NotificationChoice.objects.update_or_create(
            user=user, topic=topic, defaults={"choice": choice}
        )


def readers_at(*, merchant_id: int, topic: Topic) -> list[User]:
    """Who acts for a merchant and wants to be told of a topic. One query."""
    people = User.objects.filter(
        is_active=True, pk__in=Member.objects.filter(merchant=merchant_id).values("user")
    )
    return list(_without_refusals(people, topic=topic).order_by("pk"))


def staff_readers(topic: Topic) -> list[User]:
    """Who of staff wants to be told of a topic; whether they may see it is asked by the caller."""
    people = User.objects.filter(is_active=True, is_staff=True)
    return list(_without_refusals(people, topic=topic).order_by("pk"))


def wants(*, user: User, topic: Topic) -> bool:
    """Whether somebody wants to be told of a topic. One query."""
    return not _kept_by(user).filter(topic=topic, choice=Choice.OFF).exists()


def unsubscribe_url(*, user: User, topic: Topic) -> str:
    """Where the reader of a mail stops such mails without signing in.

    The link does not expire and opens nothing: all that it can do is to end one kind of mail.
    """
    token = signing.Signer(salt=_SALT).sign_object([user.pk, topic.value])
    return absolute_url(reverse("unsubscribe", args=[token]))


def unsubscribed_by(token: str) -> tuple[User, Topic] | None:
    """Whose mails on what a link is about; None: it is not one of ours."""
    try:
        user_id, topic = signing.Signer(salt=_SALT).unsign_object(token)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=user_id).first()
    return (user, Topic(topic)) if user else None


def _kept_by(user: User) -> QuerySet[NotificationChoice]:
    return NotificationChoice.objects.filter(user=user)


def _without_refusals(people: QuerySet[User], *, topic: Topic) -> QuerySet[User]:
    refused = NotificationChoice.objects.filter(user=OuterRef("pk"), topic=topic, choice=Choice.OFF)
    return people.exclude(Exists(refused))
