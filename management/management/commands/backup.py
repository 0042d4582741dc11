"""Back up the database and the originals into one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from management import wording
from management.backing_up import back_up
from management.errors import StoreError


class Command(BaseCommand):
    help = "Write database and originals into one file; Askwell may go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path", nargs="?", type=Path, metavar="PATH", help="a file or folder; else in DATA_DIR"
        )

    def handle(self, *, path: Path | None, **options: Any) -> None:
        try:
            done = back_up(path)
        except StoreError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{wording.backed_up(done)}.")
