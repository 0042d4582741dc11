"""Cut, embed and index every stored document again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.errors import KnowledgeError
from knowledge.rebuilding import rebuild
from management.terminal import progress


class Command(BaseCommand):
    help = "Re-chunk stored documents, embed what changed, rebuild every index, test-search."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--chunk-size", type=int, metavar="N", help="characters")
        parser.add_argument("--chunk-overlap", type=int, metavar="N", help="characters")
        parser.add_argument("--show-stats", action="store_true")

    def handle(self, *, chunk_size: int | None, chunk_overlap: int | None, **options: Any) -> None:
        try:
            stats = rebuild(chunk_size, chunk_overlap, lambda rows: progress(rows, "Rebuilding"))
        except (KnowledgeError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Rebuilt {stats.documents} documents: {stats.passages} passages, "
            f"{stats.embedded} embedded anew."
        )
        if options["show_stats"]:
            for label, value in stats.lines():
                self.stdout.write(f"    {label:<24} {value}")
        if stats.found < stats.searched / 2:
            raise CommandError(
                f"Only {stats.found} of {stats.searched} test searches found their passage."
            )
