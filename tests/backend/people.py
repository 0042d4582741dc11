"""Workspaces, channels and people, as the platforms would report them."""

from datetime import datetime, timedelta
from itertools import count

from django.utils import timezone

from backend.accounts.models import (
    Channel,
    ChannelMember,
    Identity,
    Installation,
    Membership,
    Platform,
    Role,
    Standing,
    User,
    Workspace,
)
from backend.accounts.spaces import channel_key, home, personal_key, space_for, team_key
from knowledge.models import Space

_numbers = count(1)


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def organisation(slug: str) -> Workspace:
    return Workspace.objects.get_or_create(slug=slug)[0]


def installed(workspace: Workspace | None = None, platform: str = Platform.SLACK) -> Installation:
    """A new Slack team or Discord server of the workspace, home's unless another is given."""
    return Installation.objects.create(
        platform=platform, external_id=f"T{next(_numbers)}", workspace=workspace or home()
    )


def user(*, workspace: Workspace | None = None, role: str | None = None) -> User:
    """A new user, with a role in the workspace (home) where one is given."""
    made = User.objects.create(email=f"person{next(_numbers)}@example.org")
    if role is not None:
        Membership.objects.create(user=made, workspace=workspace or home(), role=role)
    return made


def known(at: Installation, standing: str = Standing.TEAM, of: User | None = None) -> Identity:
    """A new identity in the installation; someone of the team is a member of the workspace."""
    role = Role.MEMBER if standing == Standing.TEAM else None
    of = of or user(workspace=at.workspace, role=role)
    return Identity.objects.create(
        installation=at, external_id=f"U{next(_numbers)}", user=of, standing=standing
    )


def channel(
    at: Installation,
    *,
    outsiders: bool | None = False,
    read: datetime | None = None,
    allowed: bool = False,
) -> Channel:
    """A new channel whose members were read just now, unless another time is given."""
    return Channel.objects.create(
        installation=at,
        external_id=f"C{next(_numbers)}",
        has_outsiders=outsiders,
        outsiders_read_at=read or timezone.now(),
        outsiders_allowed=allowed,
    )


def join(where: Channel, who: Identity, read: datetime | None = None) -> ChannelMember:
    return ChannelMember.objects.create(channel=where, identity=who, read_at=read or timezone.now())


def space_of(owner: User | Channel | Workspace, workspace: Workspace | None = None) -> Space:
    """The space of a person (in home unless another workspace is given), channel or team."""
    if isinstance(owner, User):
        return space_for(personal_key(workspace or home(), owner))
    if isinstance(owner, Workspace):
        return space_for(team_key(owner))
    at = owner.installation
    return space_for(channel_key(at.platform, at.external_id, owner.external_id))
