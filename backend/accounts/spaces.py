"""How the spaces of people, channels and teams are named, and how people name them."""

from django.db.models import Q, QuerySet

from backend.accounts.models import Platform, User, Workspace
from knowledge.models import Space


def home() -> Workspace:
    """The workspace of the web, the terminal and the sample documents."""
    return Workspace.objects.get_or_create(slug="home")[0]


def team_key(workspace: Workspace) -> str:
    return f"team:{workspace.slug}"


def personal_key(workspace: Workspace, user: User) -> str:
    return f"personal:{workspace.slug}/{user.pk}"


def channel_key(platform: str, installation: str, channel: str) -> str:
    return f"channel:{platform}/{installation}/{channel}"


def spaces_of(workspace: Workspace) -> QuerySet[Space]:
    """Every space of the workspace: the team's, its people's, its channels'."""
    theirs = Q(key=team_key(workspace)) | Q(key__startswith=f"personal:{workspace.slug}/")
    for at in workspace.installations.all():
        theirs |= Q(key__startswith=channel_key(at.platform, at.external_id, ""))
    return Space.objects.filter(theirs)


def space_for(key: str) -> Space:
    """The space of this key, made where there is none."""
    return Space.objects.get_or_create(key=key)[0]


def parse_space(name: str) -> Space:
    """The space that `team`, `personal:EMAIL` or `channel:PLATFORM/INSTALLATION/CHANNEL` names.

    Raises ValueError with a sentence for anything else, and User.DoesNotExist.
    """
    kind, _, rest = name.partition(":")
    if name == "team":
        return space_for(team_key(home()))
    if kind == "personal" and rest:
        return space_for(personal_key(home(), User.objects.get(email=rest.lower())))
    parts = rest.split("/")
    if kind == "channel" and len(parts) == 3 and all(parts) and parts[0] in Platform.values:
        return space_for(channel_key(*parts))
    raise ValueError(
        f"{name!r} names no space. Use team, personal:EMAIL or "
        "channel:PLATFORM/INSTALLATION/CHANNEL with slack or discord as the platform."
    )


def space_name(space: Space) -> str:
    """The inverse of `parse_space`, for lists: `team`, `personal:EMAIL`, `channel:…`; the key
    itself where that has no such name, as in another workspace."""
    if space.key == team_key(home()):
        return "team"
    slug, _, user = space.key.removeprefix("personal:").partition("/")
    if space.key.startswith("personal:") and slug == home().slug:
        owner = User.objects.filter(pk=user).first()
        return f"personal:{owner.email}" if owner else space.key
    return space.key
