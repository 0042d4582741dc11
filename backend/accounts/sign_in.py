"""One-time sign-in links. Only a hash of the token is kept."""

import hashlib
import secrets

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from backend.accounts.models import Membership, Role, SignInToken, User, Workspace
from backend.accounts.spaces import home

FIRST_ADMIN_EMAIL = "admin@localhost"


def link_for(user: User | None) -> str:
    """The address that signs `user` in once; for None it makes the first admin of home."""
    token = secrets.token_urlsafe(24)
    SignInToken.objects.filter(expires_at__lte=timezone.now()).delete()
    SignInToken.objects.create(
        sha256=_hash(token), user=user, expires_at=timezone.now() + settings.SIGN_IN_LINK_LIFETIME
    )
    return f"http://127.0.0.1:{settings.PORT}/sign-in/{token}/"


def home_has_admin() -> bool:
    return Membership.objects.filter(workspace__slug="home", role=Role.ADMIN).exists()


def redeem(token: str) -> User | None:
    """The user whom the link signs in, or None where it was used, expired or never made."""
    with transaction.atomic():
        row = SignInToken.objects.filter(sha256=_hash(token), expires_at__gt=timezone.now()).first()
        # The row count decides between two uses at once.
        if row is None or not SignInToken.objects.filter(pk=row.pk).delete()[0]:
            return None
        if row.user is not None:
            return row.user if row.user.is_active else None
        # Two links used at once wait for each other here.
        workspace = Workspace.objects.select_for_update().get(pk=home().pk)
        if home_has_admin():
            return None
        user = User.objects.for_email(FIRST_ADMIN_EMAIL)
        Membership.objects.update_or_create(
            user=user, workspace=workspace, defaults={"role": Role.ADMIN}
        )
        return user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
