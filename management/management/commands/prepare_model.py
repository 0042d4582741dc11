"""Convert the local embedding model; `make setup` runs it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from knowledge.errors import LocalModelMissing
from knowledge.providers import minilm_files
from knowledge.providers.minilm_convert import convert


class Command(BaseCommand):
    help = "Convert the local embedding model into DATA_DIR, unless it is there already."

    def handle(self, **options: Any) -> None:
        folder = Path(settings.LOCAL_MODEL_DIR)
        try:
            minilm_files.verify(folder)
        except LocalModelMissing:
            try:
                convert(folder)
            except LocalModelMissing as error:
                raise CommandError(str(error)) from error
            self.stdout.write("The local embedding model is ready.")
