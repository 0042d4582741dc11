"""List the documents of every space."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from backend.accounts.spaces import space_name
from knowledge.catalogue import catalogue
from knowledge.models import Space
from management.terminal import print_json


class Command(BaseCommand):
    help = "List the documents of every space."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        rows = [
            {
                "id": str(entry.document.pk),
                "document": entry.document.name,
                "space": space_name(entry.document.space),
                "status": entry.status,
                "version": entry.version,
                "passages": entry.passages,
            }
            for entry in catalogue(list(Space.objects.all()))
        ]
        if options["json"]:
            print_json(self, rows)
            return
        for row in rows:
            self.stdout.write(
                f"{row['id']}  {row['status']:<8} {row['passages']:>5} passages  "
                f"v{row['version']}  {row['space']}  {row['document']}"
            )
        if not rows:
            self.stdout.write("There are no documents. `ingest PATH` adds some.")
