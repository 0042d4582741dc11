"""Roles in a workspace, and what they allow."""

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Membership, Role, User, Workspace
from backend.accounts.spaces import personal_key


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


def changeable_keys(user: User, workspace: Workspace) -> set[str]:
    """The keys of the spaces that the user may add to and remove from: their own, and a curator's
    or admin's all that they may read."""
    curates = role_of(user, workspace) in (Role.CURATOR, Role.ADMIN)
    others = readable_keys(Place(workspace, user=user)) if curates else set()
    return {personal_key(workspace, user)} | others
