"""What a platform tells of people and channels, written down.

Each function is one short transaction. What was read earlier never replaces what was read later,
however the writes of several processes fall.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from backend.accounts.models import (
    UNREACHABLE,
    Channel,
    ChannelMember,
    Identity,
    Installation,
    Membership,
    Platform,
    Standing,
    User,
    Workspace,
)
from backend.accounts.spaces import home
from knowledge.prepared import Given, Objects

# What was read longer ago is read again before it is used.
REFRESH = timedelta(minutes=2)
# The reading time of what could not be read yet.
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def is_fresh(read_at: datetime) -> bool:
    return read_at > timezone.now() - REFRESH


def installation_of(platform: str, external_id: str) -> Installation:
    """The installation, made in home where there is none."""
    return Installation.objects.select_related("workspace").get_or_create(
        platform=platform, external_id=external_id, defaults={"workspace": home()}
    )[0]


def known_person(installation: Installation, external_id: str) -> Identity | None:
    """The identity with its user, or None where nothing was recorded of this person."""
    return _PERSON.first(installation.pk, external_id)


_PERSON = Objects(
    lambda: Identity.objects.filter(installation=Given(0), external_id=Given(1)),
    user=User,
    installation=Installation,
    installation__workspace=Workspace,
)
_CHANNEL = Objects(lambda: Channel.objects.filter(installation=Given(0), external_id=Given(1)))


@transaction.atomic
def record_person(
    installation: Installation,
    external_id: str,
    standing: str,
    read_at: datetime | None = None,
) -> Identity:
    """What this person is to the installation, as read at that time, now unless given.

    Someone of the team becomes a member of the workspace and keeps the role that they have;
    anyone else's membership ends, unless they are of the team by another identity.
    """
    read_at = read_at or timezone.now()
    identity = known_person(installation, external_id) or _identity_for(installation, external_id)
    # A person's identities are written one after another: together they decide on membership.
    User.objects.select_for_update().get(pk=identity.user_id)
    older = Identity.objects.filter(pk=identity.pk, read_at__lt=read_at)
    if not older.update(standing=Standing(standing), read_at=read_at):
        identity.refresh_from_db(fields=["standing", "read_at"])
        return identity
    identity.standing, identity.read_at = standing, read_at
    settle_membership(identity.user, identity.installation.workspace)
    return identity


def address_of(installation: Installation, external_id: str) -> str:
    """The address of a user whom only this identity makes known. No user has it who has not this
    identity: who comes anew must never be taken for one who was here before."""
    host = f"{installation.external_id}.{installation.platform}{UNREACHABLE}"
    return f"{external_id}@{host}".lower()


def _identity_for(installation: Installation, external_id: str) -> Identity:
    """With a user of its own, whose address no mail reaches: addresses never join identities."""
    address = address_of(installation, external_id)
    # Another process may make the same rows at this moment.
    User.objects.bulk_create([User(email=address)], ignore_conflicts=True)
    identity = Identity(
        installation=installation,
        external_id=external_id,
        user=User.objects.get(email=address),
        read_at=NEVER,
    )
    Identity.objects.bulk_create([identity], ignore_conflicts=True)
    written = Identity.objects.select_related("user", "installation__workspace")
    return written.get(installation=installation, external_id=external_id)


def settle_membership(user: User, workspace: Workspace) -> None:
    """Whoever is of the team by any identity is a member; else what a platform gave ends."""
    known = Identity.objects.filter(user=user, installation__workspace=workspace)
    if known.filter(standing=Standing.TEAM).exists():
        member = Membership(user=user, workspace=workspace, by_platform=True)
        Membership.objects.bulk_create([member], ignore_conflicts=True)
    else:
        Membership.objects.filter(user=user, workspace=workspace, by_platform=True).delete()


def known_as(user: User) -> str:
    """How a person is named to others: by the address that they sign in with, else by what a
    platform calls them."""
    if user.signs_in:
        return user.email
    identity = user.identities.select_related("installation").order_by("pk").first()
    if identity is None:
        return "somebody"
    return f"{identity.external_id} on {Platform(identity.installation.platform).label}"


def channel_of(installation: Installation, external_id: str) -> Channel:
    """The channel, made where there is none, with nothing known of its outsiders."""
    known = _CHANNEL.first(installation.pk, external_id)
    if known is not None:
        return known
    return Channel.objects.get_or_create(installation=installation, external_id=external_id)[0]


@transaction.atomic
def record_channel(
    installation: Installation, external_id: str, has_outsiders: bool | None, read_at: datetime
) -> Channel:
    """Whether outsiders are in the channel; None takes back what was known until then."""
    channel = channel_of(installation, external_id)
    same = Channel.objects.filter(pk=channel.pk)
    _older(same, read_at).update(has_outsiders=has_outsiders, outsiders_read_at=read_at)
    channel.refresh_from_db()
    return channel


def record_outsiders(
    installation: Installation, read_at: datetime, with_outsiders: Collection[str]
) -> None:
    """Outsiders were found in these channels; counts for those that have been asked in."""
    found = Channel.objects.filter(installation=installation, external_id__in=with_outsiders)
    _older(found, read_at).update(has_outsiders=True, outsiders_read_at=read_at)


def forget_outsiders(installation: Installation) -> None:
    """What is known of outsiders in any channel counts as unknown from now on."""
    Channel.objects.filter(installation=installation).update(
        has_outsiders=None, outsiders_read_at=timezone.now()
    )


def _older(channels: QuerySet[Channel], read_at: datetime) -> QuerySet[Channel]:
    return channels.filter(Q(outsiders_read_at=None) | Q(outsiders_read_at__lte=read_at))


def joined_read_at(identity: Identity) -> datetime | None:
    """When all of the person's channels were last read; None where they are in none."""
    seen = ChannelMember.objects.filter(identity=identity)
    return seen.order_by("read_at").values_list("read_at", flat=True).first()


@transaction.atomic
def record_joined(identity: Identity, channels: Collection[str], read_at: datetime) -> None:
    """The channels that the person is in, all of them."""
    seen = ChannelMember.objects.filter(identity=identity)
    if seen.filter(read_at__gt=read_at).exists():
        return
    here = Channel.objects.filter(installation_id=identity.installation_id)
    missing = set(channels) - set(here.values_list("external_id", flat=True))
    Channel.objects.bulk_create(
        [Channel(installation_id=identity.installation_id, external_id=i) for i in missing],
        ignore_conflicts=True,
    )
    joined = here.filter(external_id__in=channels)
    ChannelMember.objects.bulk_create(
        [ChannelMember(channel=channel, identity=identity, read_at=read_at) for channel in joined],
        update_conflicts=True,
        unique_fields=["channel", "identity"],
        update_fields=["read_at"],
    )
    seen.filter(read_at__lt=read_at).delete()


@transaction.atomic
def record_came(installation: Installation, person: str, channel: str, read_at: datetime) -> None:
    """Someone came into a channel; nothing where their channels have to be read anyway."""
    identity = Identity.objects.filter(installation=installation, external_id=person).first()
    if identity is not None and joined_read_at(identity) is not None:
        ChannelMember.objects.update_or_create(
            channel=channel_of(installation, channel),
            identity=identity,
            defaults={"read_at": read_at},
        )


def record_left(installation: Installation, person: str, channel: str) -> None:
    """Someone left a channel: what they ask in private draws on it no more."""
    ChannelMember.objects.filter(
        identity__installation=installation,
        identity__external_id=person,
        channel__installation=installation,
        channel__external_id=channel,
    ).delete()
