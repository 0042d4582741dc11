"""Give a person a role in their workspace."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.models import Identity, Platform, Role, Standing
from backend.accounts.roles import set_role, without_admin
from backend.accounts.spaces import home
from management.terminal import user_named


class Command(BaseCommand):
    help = "Make a person a member, curator or admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("who", metavar="EMAIL|PLATFORM/ID")
        parser.add_argument("role", choices=Role.values)

    def handle(self, *, who: str, role: str, **options: Any) -> None:
        platform, slash, external_id = who.partition("/")
        if not slash:
            set_role(user_named(who), home(), role)
        elif platform not in Platform.values:
            raise CommandError(f"{platform} is no platform; use {' or '.join(Platform.values)}.")
        else:
            identities = Identity.objects.filter(
                installation__platform=platform, external_id=external_id
            ).select_related("user", "installation__workspace")
            if not identities:
                raise CommandError(f"Nobody is known as {who}. Have they written to the bot?")
            # One person of Discord may be in several servers.
            team = [one for one in identities if one.standing == Standing.TEAM]
            if not team:
                standings = ", ".join(sorted({one.standing for one in identities}))
                raise CommandError(f"{who} is not one of the team ({standings}).")
            for identity in team:
                set_role(identity.user, identity.installation.workspace, role)
        self.stdout.write(f"{who} is now {role}.")
        for workspace in without_admin():
            self.stdout.write(f"{workspace.slug} has no admin now.")
