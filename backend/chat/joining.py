"""One person of two: whoever links two identities has one history and one personal space.

A join is one transaction of a few statements, so it is whole or did not happen. Nothing of another
workspace is touched.
"""

from dataclasses import dataclass

from django.db import transaction

from backend.accounts import linking
from backend.accounts.audience import Place
from backend.accounts.errors import (
    AlreadyOne,
    ElsewhereToo,
    NothingLinked,
    Stranger,
    TwoAddresses,
    WrongCode,
)
from backend.accounts.models import Identity, LinkCode, Membership, Role, User, Workspace
from backend.accounts.people import address_of, settle_membership
from backend.accounts.spaces import personal_key, space_for
from backend.chat.models import Conversation, Feedback, Message
from backend.chat.replacing import use_instead
from backend.library.models import Contribution, PromotionRequest
from knowledge.index import snapshot_files
from knowledge.models import Space
from knowledge.moving import move_documents

ROLES = (Role.MEMBER, Role.CURATOR, Role.ADMIN)


@dataclass(frozen=True)
class Entered:
    """Whose code was entered, and whether the two are joined now; else it has to be entered once
    more. `platform` is where the code was asked for; None for the page."""

    name: str
    platform: str | None
    joined: bool


def enter_code(place: Place, typed: str) -> Entered:
    """What a code does that somebody enters. Raises PersonError."""
    user, _ = linking.present(place)
    attempt = linking.start_try(user)
    with transaction.atomic():
        code = linking.open_codes(place, typed).select_for_update(of=("self",)).first()
        if code is None:
            raise WrongCode()
        attempt.delete()
        stays, goes = _roles_of_the_two(code, user)
        joined = code.shown_to_id == user.pk
        if joined:
            code.delete()
            _join(stays, goes, place.workspace)
        else:
            code.shown_to = user
            code.save(update_fields=["shown_to"])
    platform = code.identity.installation.platform if code.identity else None
    return Entered(code.name, platform, joined)


def _roles_of_the_two(code: LinkCode, user: User) -> tuple[User, User]:
    """Who stays, and who becomes them: an address of one's own stays, else whoever asked."""
    if user == code.user:
        raise AlreadyOne()
    if user.signs_in and code.user.signs_in:
        raise TwoAddresses()
    stays, goes = (user, code.user) if user.signs_in else (code.user, user)
    if belongs_elsewhere(goes, code.workspace):
        raise ElsewhereToo()
    return stays, goes


def belongs_elsewhere(user: User, workspace: Workspace) -> bool:
    """Whether anything of another workspace hangs on this user."""
    return (
        user.identities.exclude(installation__workspace=workspace).exists()
        or user.memberships.exclude(workspace=workspace).exists()
        or Conversation.objects.filter(user=user).exclude(workspace=workspace).exists()
        or Message.objects.filter(asker=user).exclude(conversation__workspace=workspace).exists()
        or Space.objects.filter(key__startswith="personal:", key__endswith=f"/{user.pk}")
        .exclude(key=personal_key(workspace, user))
        .exists()
    )


def _join(stays: User, goes: User, workspace: Workspace) -> None:
    # What is being written of either waits, and finds the one who is gone gone.
    there = User.objects.select_for_update().filter(pk__in=(stays.pk, goes.pk)).order_by("pk")
    if len(there) < 2:
        raise Stranger()
    Identity.objects.filter(user=goes).update(user=stays)
    Conversation.objects.filter(user=goes).update(user=stays)
    Message.objects.filter(asker=goes).update(asker=stays)
    rated = Feedback.objects.filter(user=stays).values("message")
    Feedback.objects.filter(user=goes).exclude(message__in=rated).update(user=stays)
    Contribution.objects.filter(user=goes).update(user=stays)
    PromotionRequest.objects.filter(asked_by=goes).update(asked_by=stays)
    PromotionRequest.objects.filter(decided_by=goes).update(decided_by=stays)
    _join_memberships(stays, goes, workspace)
    source = Space.objects.filter(key=personal_key(workspace, goes)).first()
    if source is not None:
        _join_spaces(source, space_for(personal_key(workspace, stays)))
    goes.delete()


def _join_memberships(stays: User, goes: User, workspace: Workspace) -> None:
    """The higher of both roles; it outlasts the platforms' word where one of the two does."""
    held = list(Membership.objects.filter(user__in=(stays, goes), workspace=workspace))
    if held:
        Membership.objects.update_or_create(
            user=stays,
            workspace=workspace,
            defaults={
                "role": max((Role(one.role) for one in held), key=ROLES.index),
                "by_platform": all(one.by_platform for one in held),
            },
        )


def _join_spaces(source: Space, target: Space) -> None:
    same = move_documents(source, target)
    used = Message.spaces.through.objects
    both = used.filter(space=target).values("message")
    used.filter(space=source, message__in=both).delete()
    used.filter(space=source).update(space=target)
    use_instead(same)
    source.delete()
    transaction.on_commit(lambda: snapshot_files.delete_all(source))


def linked_identities(user: User, workspace: Workspace) -> list[Identity]:
    known = Identity.objects.select_related("installation__workspace")
    return list(known.filter(user=user, installation__workspace=workspace).order_by("pk"))


def part(identity: Identity) -> None:
    """Give the identity a user of its own, with nothing in it; what was joined stays with the
    others. Raises NothingLinked."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(identities=identity).first()
        if user is None:
            raise Stranger()
        others = Identity.objects.filter(user=user).exclude(pk=identity.pk)
        other = others.select_related("installation").order_by("pk").first()
        if other is None and not user.signs_in:
            raise NothingLinked()
        own = address_of(identity.installation, identity.external_id)
        if other is not None and user.email == own:
            user.email = address_of(other.installation, other.external_id)
            user.save(update_fields=["email"])
        LinkCode.objects.filter(identity=identity).delete()
        Identity.objects.filter(pk=identity.pk).update(user=User.objects.create(email=own))
        identity.refresh_from_db()
        for one in (user, identity.user):
            settle_membership(one, identity.installation.workspace)


def part_place(place: Place) -> None:
    """Part the identity that speaks here from its person. Raises PersonError."""
    _, identity = linking.present(place)
    if identity is None:
        raise NothingLinked()
    part(identity)
