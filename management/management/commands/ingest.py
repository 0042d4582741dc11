"""Add files or folders to a space, in this process."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.models import User
from backend.accounts.spaces import parse_space
from management.ingest_files import Outcome, ingest, listed
from management.terminal import print_json, progress


class Command(BaseCommand):
    help = "Add files or folders; what was added before is replaced where it changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument(
            "--space",
            default="team",
            help="team, personal:EMAIL or channel:PLATFORM/INSTALLATION/CHANNEL",
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *, paths: list[str], space: str, **options: Any) -> None:
        try:
            target = parse_space(space)
        except ValueError as error:
            raise CommandError(str(error)) from error
        except User.DoesNotExist:
            raise CommandError(f"No user has the address that {space} names.") from None
        outcomes: list[Outcome] = []
        for path in progress(listed([Path(path) for path in paths]), "Reading"):
            outcomes.append(outcome := ingest(target, path))
            if not options["json"]:
                reason = f": {outcome.reason}" if outcome.reason else ""
                self.stdout.write(f"{outcome.outcome:<10} {outcome.path}{reason}")
        if options["json"]:
            print_json(self, [vars(outcome) for outcome in outcomes])
        if failed := sum(outcome.outcome == "failed" for outcome in outcomes):
            raise CommandError(f"{failed} of {len(outcomes)} could not be added.")
