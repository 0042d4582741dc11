"""Who may read what: the spaces that a question may draw on, from where it is asked.

The answer follows from everyone who will read it. What can't be known counts as the smaller set.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache

from django.utils import timezone

from backend.accounts.models import (
    Channel,
    ChannelMember,
    Identity,
    Installation,
    Membership,
    Standing,
    User,
    Workspace,
)
from backend.accounts.spaces import channel_key, personal_key, team_key
from knowledge.models import Space
from knowledge.prepared import Given, Objects, any_of

# How long a reading of standing, members or guests counts as known.
KNOWN_FOR = timedelta(minutes=5)


@dataclass(frozen=True)
class Place:
    """Where a question is asked, and by whom.

    With a channel everyone in it reads the answer. Without one the asker alone does: a DM, a
    private reply, the page, the terminal with `--as`. With neither user nor channel it is the
    terminal of the home workspace. Where the bot is not a member it can only reply privately,
    and draws on the asker's personal space alone.
    """

    workspace: Workspace
    user: User | None = None
    identity: Identity | None = None
    channel: Channel | None = None
    bot_is_member: bool = True

    @property
    def asker(self) -> User | None:
        return self.user if self.identity is None else self.identity.user


def readable_spaces(place: Place) -> list[Space]:
    """The spaces whose documents everyone who will read the answer may see."""
    keys = readable_keys(place)
    return _spaces_of(len(keys))(*keys) if keys else []


@cache
def _spaces_of(count: int) -> Objects[Space]:
    return Objects(lambda: Space.objects.filter(key__in=any_of(count)).order_by("pk"))


def readable_keys(place: Place) -> set[str]:
    """The keys of these spaces; a space that nobody filled yet has no row."""
    now = as_it_stands(place)
    if now is None:
        return set()
    if not now.bot_is_member:
        return {personal_key(now.workspace, now.asker)} if now.asker else set()
    if now.channel is not None:
        return _channel_keys(now, now.channel)
    if now.asker is None:
        return {team_key(now.workspace)}
    own = {personal_key(now.workspace, now.asker)}
    if is_team(now, now.asker):
        return own | _joined_channel_keys(now) | {team_key(now.workspace)}
    # A guest here is one here, whatever else they are by another identity.
    return own | _joined_channel_keys(now, now.identity)


def key_to_bring_to(place: Place) -> str | None:
    """The key of the space that what is brought here belongs to: the channel's, or the person's
    own. None where whoever brings it may do nothing here."""
    now = as_it_stands(place)
    if now is None or now.asker is None:
        return None
    if now.channel is not None and now.bot_is_member:
        return _key_of(now.channel)
    return personal_key(now.workspace, now.asker)


_HERE = {"pk": Given(0), "installation__workspace": Given(1)}
_IDENTITY = Objects(
    lambda: Identity.objects.exclude(standing=Standing.REMOVED).filter(**_HERE), user=User
)
_CHANNEL = Objects(lambda: Channel.objects.filter(**_HERE), installation=Installation)


def as_it_stands(place: Place) -> Place | None:
    """The place as its rows stand now; None where the asker may read nothing, or where person,
    channel and workspace don't belong together."""
    identity, channel = place.identity, place.channel
    if identity is not None:
        identity = _IDENTITY.first(identity.pk, place.workspace.pk)
        if identity is None:
            return None
    if channel is not None:
        channel = _CHANNEL.first(channel.pk, place.workspace.pk)
        if channel is None:
            return None
    now = replace(place, identity=identity, channel=channel)
    return now if _is_active(now) else None


def _is_active(place: Place) -> bool:
    if place.identity is not None:
        return place.identity.user.is_active
    return place.user is None or User.objects.filter(pk=place.user.pk, is_active=True).exists()


def _channel_keys(place: Place, channel: Channel) -> set[str]:
    known = channel.outsiders_read_at is not None and channel.outsiders_read_at > _oldest_known()
    only_team = known and channel.has_outsiders is False
    # Whoever asks reads along, whatever was known of the members.
    if place.asker is not None and not is_team(place, place.asker):
        only_team = False
    own = {_key_of(channel)}
    return own | {team_key(place.workspace)} if only_team or channel.outsiders_allowed else own


def _joined_channel_keys(place: Place, only: Identity | None = None) -> set[str]:
    """The channels that the asker is in, by any of their identities or by one only."""
    joined = ChannelMember.objects.filter(
        identity__user=place.asker,
        identity__installation__workspace=place.workspace,
        channel__installation__workspace=place.workspace,
        read_at__gt=_oldest_known(),
    ).exclude(identity__standing=Standing.REMOVED)
    if only is not None:
        joined = joined.filter(identity=only)
    return {_key_of(member.channel) for member in joined.select_related("channel__installation")}


def is_team(place: Place, asker: User) -> bool:
    """Whether the asker counts as team in this place, by the identity that stands there."""
    if place.identity is not None:
        known = place.identity.read_at > _oldest_known()
        return known and place.identity.standing == Standing.TEAM
    return Membership.objects.filter(user=asker, workspace=place.workspace).exists()


def _key_of(channel: Channel) -> str:
    installation = channel.installation
    return channel_key(installation.platform, installation.external_id, channel.external_id)


def _oldest_known() -> datetime:
    return timezone.now() - KNOWN_FOR
