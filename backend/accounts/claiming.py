"""Which chat communities belong to a workspace: a Discord server only once an admin claims it."""

from django.db import transaction

from backend.accounts.models import Identity, Installation, Platform
from backend.accounts.people import NEVER, forget_outsiders
from backend.accounts.spaces import home


def claim(platform: str, external_id: str, team_role: str = "") -> Installation:
    """Bind a Slack team or Discord server to home. With `team_role`, only those who hold the role
    of that name count as team. Safe to repeat; the role is the one given last."""
    with transaction.atomic():
        installation, _ = Installation.objects.get_or_create(
            platform=Platform(platform),
            external_id=external_id,
            defaults={"team_role": team_role, "workspace": home()},
        )
        if installation.team_role != team_role:
            installation.team_role = team_role
            installation.save(update_fields=["team_role"])
            # Who is of the team, and where others read along, has to be read anew.
            Identity.objects.filter(installation=installation).update(read_at=NEVER)
            forget_outsiders(installation)
    return installation


def claimed(platform: str, external_id: str) -> Installation | None:
    """The installation with its workspace, or None where nobody claimed it."""
    known = Installation.objects.select_related("workspace")
    return known.filter(platform=platform, external_id=external_id).first()
