"""Forget a person in a workspace: everything that they said, own and are.

At once they are gone from everything that is read; what is left of them hangs on a user who is
nobody, and on a space that is nobody's. The sweep deletes both, here or in the worker.
"""

import hashlib
import secrets
from collections.abc import Collection

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from backend.accounts import linking
from backend.accounts.audience import Place
from backend.accounts.errors import LastAdmin
from backend.accounts.models import (
    UNREACHABLE,
    CodeTry,
    Forgotten,
    ForgottenIdentity,
    Identity,
    LinkCode,
    Membership,
    Role,
    User,
    Workspace,
)
from backend.accounts.spaces import personal_key, spaces_of
from backend.chat.joining import belongs_elsewhere
from backend.chat.models import Conversation, Feedback, Message
from backend.chat.removal import BATCH, remove_turns, sweep_removed
from backend.library.models import Contribution, PromotionRequest
from knowledge.models import Space
from knowledge.removal import delete_forgotten_spaces, forget_space


def forget(place: Place) -> None:
    """Forget whoever speaks in this place. What they said to the bot stays in its inbox until
    the bot has seen the ForgottenIdentity rows. Raises PersonError."""
    user, _ = linking.present(place)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if _is_last_admin(user, place.workspace):
            raise LastAdmin()
        _leave(user, place.workspace)
    sweep_removed()
    sweep_forgotten()


def _is_last_admin(user: User, workspace: Workspace) -> bool:
    # Two admins who go at once wait for each other here.
    admins = Membership.objects.filter(
        workspace=workspace, role=Role.ADMIN, user__is_active=True
    ).select_for_update(of=("self",))
    return [admin.user_id for admin in admins] == [user.pk]


def forget_again(names: Collection[str]) -> int:
    """Forget everybody of whom one of these `Forgotten` hashes is known; how many. For a restored
    store, in which they stand as before."""
    count = 0
    for workspace in Workspace.objects.all():
        for user in User.objects.filter(forgotten=False):
            if _names(user, workspace) & set(names):
                with transaction.atomic():
                    _leave(user, workspace)
                count += 1
    sweep_removed()
    sweep_forgotten()
    return count


def _names(user: User, workspace: Workspace) -> set[str]:
    """Hashes of what the user is called in the workspace: by address and by each identity."""
    known = Identity.objects.filter(user=user, installation__workspace=workspace)
    names = [user.email, *(str(one) for one in known.select_related("installation"))]
    return {hashlib.sha256(f"{workspace.slug} {name}".encode()).hexdigest() for name in names}


def _leave(user: User, workspace: Workspace) -> None:
    for name in _names(user, workspace):
        Forgotten.objects.update_or_create(sha256=name, defaults={"at": timezone.now()})
    address = f"{secrets.token_hex(16)}@forgotten{UNREACHABLE}"
    nobody = User.objects.create(email=address, is_active=False, forgotten=True)
    said = Message.objects.filter(
        Q(asker=user) | Q(conversation__user=user), conversation__workspace=workspace
    )
    said.update(asker=nobody, text="", notice="", erased_at=timezone.now())
    Conversation.objects.filter(user=user, workspace=workspace).update(user=nobody, title="")
    ours = Message.objects.filter(conversation__workspace=workspace)
    Feedback.objects.filter(user=user, message__in=ours).update(user=nobody, reason="")
    _forget_contributions(user, workspace)
    space = Space.objects.filter(key=personal_key(workspace, user)).first()
    if space is not None:
        forget_space(space)
    _forget_identities(user, workspace)
    Membership.objects.filter(user=user, workspace=workspace).delete()
    LinkCode.objects.filter(user=user, workspace=workspace).delete()
    CodeTry.objects.filter(user=user).delete()
    if not belongs_elsewhere(user, workspace):
        user.delete()


def _forget_contributions(user: User, workspace: Workspace) -> None:
    """What they brought for others stays with those, and says no more who brought it."""
    Contribution.objects.filter(
        user=user, version__document__space__in=spaces_of(workspace)
    ).update(user=None)
    requests = PromotionRequest.objects.filter(workspace=workspace)
    requests.filter(asked_by=user).delete()
    requests.filter(decided_by=user).update(decided_by=None)


def _forget_identities(user: User, workspace: Workspace) -> None:
    identities = Identity.objects.filter(user=user, installation__workspace=workspace)
    ForgottenIdentity.objects.bulk_create(
        ForgottenIdentity(
            platform=one.installation.platform,
            installation=one.installation.external_id,
            external_id=one.external_id,
        )
        for one in identities.select_related("installation")
    )
    identities.delete()


def sweep_forgotten() -> None:
    """Delete what is left of everybody who was forgotten. Safe to repeat, and repeated by the
    worker: a process may die in the middle."""
    for nobody in User.objects.filter(forgotten=True):
        said = Message.objects.filter(Q(asker=nobody) | Q(conversation__user=nobody))
        while pks := list(said.values_list("pk", flat=True)[:BATCH]):
            remove_turns(pks)
        User.objects.filter(pk=nobody.pk).delete()
    delete_forgotten_spaces()
