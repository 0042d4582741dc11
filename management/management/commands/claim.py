"""Bind a Discord server, or a Slack team, to the workspace."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.claiming import claim
from backend.accounts.models import Platform


class Command(BaseCommand):
    help = "Let a Discord server (or Slack team) draw on the team's documents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("platform", choices=Platform.values)
        parser.add_argument("id", help="the server's or team's id, as the platform shows it")
        parser.add_argument(
            "--team-role", metavar="NAME", default="", help="who counts as team; else every member"
        )

    def handle(self, *, platform: str, id: str, team_role: str, **options: Any) -> None:  # noqa: A002
        server, role = id.strip(), team_role.strip()
        if not server.isalnum() or len(server) > 64:
            raise CommandError(f"{id!r} is no id of a server or team.")
        if platform == Platform.DISCORD and not server.isdecimal():
            raise CommandError(f"{id!r} is no id of a Discord server: those are digits.")
        if len(role) > 100:
            raise CommandError("A role's name has at most 100 characters.")
        installation = claim(platform, server, role)
        who = f"who holds the role {role}" if role else "every member"
        workspace = installation.workspace
        self.stdout.write(f"{installation} belongs to {workspace}; {who} counts as team.")
