"""Codes that join two identities of one person. Only a hash of a code is kept.

Asking for the code is the one side's confirmation; entering it a second time, knowing whose it
is, is the other's.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from backend.accounts.audience import Place, as_it_stands
from backend.accounts.errors import Stranger, TooManyTries
from backend.accounts.models import CodeTry, Identity, LinkCode, Standing, User
from knowledge.extraction import clean

LIFETIME = timedelta(minutes=10)
# Codes that one person may have open; the oldest gives way.
OPEN_CODES = 3
# Wrong codes that one person may enter within the lifetime of a code.
TRIES = 5
# Without those that look alike.
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def present(place: Place) -> tuple[User, Identity | None]:
    """Who speaks in a place, as their rows stand now. Raises Stranger."""
    now = as_it_stands(place)
    if now is None or now.asker is None:
        raise Stranger()
    return now.asker, now.identity


def new_code(place: Place, name: str) -> str:
    """A code for whoever asks in this place, whom the other side is told to be `name`."""
    user, identity = present(place)
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # codes of one person come in turn
        LinkCode.objects.filter(expires_at__lte=timezone.now()).delete()
        theirs = LinkCode.objects.filter(user=user).order_by("-pk").values_list("pk", flat=True)
        LinkCode.objects.filter(pk__in=list(theirs[OPEN_CODES - 1 :])).delete()
        LinkCode.objects.create(
            sha256=_hash(code),
            workspace=place.workspace,
            user=user,
            identity=identity,
            name=clean(name).strip()[:80],
            expires_at=timezone.now() + LIFETIME,
        )
    return f"{code[:4]}-{code[4:]}"


def start_try(user: User) -> CodeTry:
    """Count one entered code, before it is looked up; a right one is taken off again.

    Raises TooManyTries.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        CodeTry.objects.filter(at__lte=timezone.now() - LIFETIME).delete()
        if CodeTry.objects.filter(user=user).count() >= TRIES:
            raise TooManyTries()
        return CodeTry.objects.create(user=user)


def open_codes(place: Place, typed: str) -> QuerySet[LinkCode]:
    """The row of a code that counts in this place, if there is one."""
    known = LinkCode.objects.select_related("user", "identity__installation")
    return known.filter(
        sha256=_hash(typed),
        workspace=place.workspace,
        expires_at__gt=timezone.now(),
        user__is_active=True,
    ).exclude(identity__standing=Standing.REMOVED)


def _hash(code: str) -> str:
    letters = "".join(sign for sign in code.upper() if sign.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()
