"""Remove a document by its id or name."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.spaces import space_name
from backend.chat.removal import remove
from knowledge.models import Document


class Command(BaseCommand):
    help = "Remove a document, its text and the answers that used it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("document", help="the document's id or name")

    def handle(self, *, document: str, **options: Any) -> None:
        found = find(document)
        remove(found)
        self.stdout.write(f"Removed {found.name}.")


def find(wanted: str) -> Document:
    kept = Document.objects.kept().select_related("space")
    try:
        matches = list(kept.filter(pk=UUID(wanted)))
    except ValueError:
        matches = list(kept.filter(name=wanted))
    if not matches:
        raise CommandError(f"There is no document {wanted}. `documents` lists them.")
    if len(matches) > 1:
        ids = "\n".join(f"  {match.pk}  {space_name(match.space)}" for match in matches)
        raise CommandError(f"{len(matches)} documents are called {wanted}; name one by id:\n{ids}")
    return matches[0]
