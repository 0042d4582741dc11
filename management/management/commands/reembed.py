"""Change the embedding model in the background, or change it back."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.embedding import EMBEDDERS
from knowledge.errors import AlreadyActive, KnowledgeError
from knowledge.models import EmbeddingModel
from knowledge.reembedding import begin, progress, roll_back
from management import wording
from management.reembedding import follow


class Command(BaseCommand):
    help = "Embed every document with another model; searches go on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--to", choices=sorted(EMBEDDERS), help="the provider of the new model")
        what.add_argument("--rollback", action="store_true", help="back to the model before")

    def handle(self, *, to: str | None, rollback: bool, **options: Any) -> None:
        try:
            model = roll_back() if to is None else begin(to)
        except AlreadyActive as error:
            self.stdout.write(str(error))
            return
        except KnowledgeError as error:
            raise CommandError(str(error)) from error
        self._tell(model)
        if sys.stderr.isatty():
            try:
                follow()
            except KeyboardInterrupt:
                self.stdout.write(wording.GOES_ON)

    def _tell(self, model: EmbeddingModel) -> None:
        now = progress()
        if now is None:
            self.stdout.write(wording.EMBEDS_WITH.format(model=model))
            return
        told = wording.CHANGING_TO.format(model=model, done=now.done, total=now.total)
        self.stdout.write(told)
        for space in now.spaces:
            if space.total:
                swapped = ", searched with it" if space.swapped else ""
                self.stdout.write(f"    {space.key}: {space.done:,} of {space.total:,}{swapped}")
        self.stdout.write(wording.GOES_ON)
