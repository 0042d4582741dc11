"""Replace the store by a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from management import wording
from management.errors import StoreError
from management.restoring import restore


class Command(BaseCommand):
    help = "Replace database and originals by those of a backup. Askwell must be stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH")

    def handle(self, *, path: Path, **options: Any) -> None:
        try:
            done = restore(path)
        except StoreError as error:
            raise CommandError(str(error)) from error
        for sentence in wording.restored(done):
            self.stdout.write(sentence)
