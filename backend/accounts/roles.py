"""Roles in a workspace, and what they allow."""

from django.db.models import QuerySet

from backend.accounts.audience import Place, as_it_stands, is_team, readable_keys
from backend.accounts.models import Membership, Role, User, Workspace
from backend.accounts.spaces import personal_key

# Who approves and removes.
CURATORS = (Role.CURATOR, Role.ADMIN)


def role_of(user: User, workspace: Workspace) -> str | None:
    """The user's role, or None for a guest and for whoever may no longer sign in."""
    membership = Membership.objects.filter(
        user=user, user__is_active=True, workspace=workspace
    ).first()
    return membership.role if membership else None


def role_at(place: Place) -> str | None:
    """The asker's role as they stand in this place: a guest here has none, whatever role they
    have by another identity."""
    now = as_it_stands(place)
    if now is None or now.asker is None or not is_team(now, now.asker):
        return None
    return role_of(now.asker, now.workspace)


def set_role(user: User, workspace: Workspace, role: str) -> None:
    Membership.objects.update_or_create(
        user=user, workspace=workspace, defaults={"role": Role(role)}
    )


def without_admin() -> QuerySet[Workspace]:
    """The workspaces that have members, and none who may sign in as an admin."""
    admins = Membership.objects.filter(role=Role.ADMIN, user__is_active=True)
    members = Membership.objects.values("workspace")
    return Workspace.objects.filter(pk__in=members).exclude(pk__in=admins.values("workspace"))


def changeable_keys(place: Place) -> set[str]:
    """The keys of the spaces that whoever speaks in this place, which is private, may add to and
    remove from: their own, and a curator's or admin's all that they may read."""
    if place.asker is None:
        return set()
    curates = role_at(place) in CURATORS
    others = readable_keys(place) if curates else set()
    return {personal_key(place.workspace, place.asker)} | others
