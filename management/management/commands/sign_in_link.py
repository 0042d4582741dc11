"""Print a sign-in link."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from backend.accounts.models import Membership, User
from backend.accounts.sign_in import FIRST_ADMIN_EMAIL, link_for
from backend.accounts.spaces import home


class Command(BaseCommand):
    help = "Print a link that signs the user in once, within an hour; makes the user if needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *, email: str, **options: Any) -> None:
        email = email.strip().lower()
        try:
            if email != FIRST_ADMIN_EMAIL:
                validate_email(email)
        except ValidationError:
            raise CommandError(f"{email} is not an e-mail address.") from None
        user = User.objects.for_email(email)
        Membership.objects.get_or_create(user=user, workspace=home())
        self.stdout.write(link_for(user))
