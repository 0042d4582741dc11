"""Measure retrieval and refusal on a folder of questions, in a scratch store."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from knowledge.errors import KnowledgeError
from management.evaluating import evaluate
from management.scratch import scratch_store
from management.terminal import print_json, progress


class Command(BaseCommand):
    help = "Measure on DIR/queries.jsonl over DIR/files, DIR/docs.jsonl or the files in DIR."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, folder: Path, **options: Any) -> None:
        try:
            with scratch_store():
                figures = evaluate(folder, progress)
        except (KnowledgeError, OSError, ValueError) as error:
            raise CommandError(f"{folder} can't be evaluated: {error}") from error
        if options["json"]:
            print_json(self, figures)
            return
        for name, value in figures.items():
            shown = f"{value:.3f}" if isinstance(value, float) else value
            self.stdout.write(f"{name:<22} {'-' if shown is None else shown}")
