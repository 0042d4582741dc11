"""Roles in a workspace, and what they allow."""

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Membership, Role, User, Workspace
from backend.accounts.spaces import personal_key, team_key
from knowledge.models import Space


def role_of(user: User, workspace: Workspace) -> str | None:
    """The user's role, or None for a guest and for whoever may no longer sign in."""
    membership = Membership.objects.filter(
        user=user, user__is_active=True, workspace=workspace
    ).first()
    return membership.role if membership else None


def set_role(user: User, workspace: Workspace, role: str) -> None:
    Membership.objects.update_or_create(
        user=user, workspace=workspace, defaults={"role": Role(role)}
    )


def may_change(user: User, workspace: Workspace, space: Space) -> bool:
    """Whether the user may add to and remove from the space: their own, and curators the team's.

    A channel's documents are changed in the channel, or by a curator who is in it.
    """
    if space.key == personal_key(workspace, user):
        return True
    curates = role_of(user, workspace) in (Role.CURATOR, Role.ADMIN)
    if space.key == team_key(workspace):
        return curates
    return curates and space.key in readable_keys(Place(workspace, user=user))
