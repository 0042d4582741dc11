"""Tell of each model provider whether it is configured and answers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from management.ai_status import status
from management.terminal import print_json


class Command(BaseCommand):
    help = "Check every provider: configured, reachable, models, dimensions, latency."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, **options: Any) -> None:
        report = status()
        if options["json"]:
            print_json(self, report)
            return
        for name, provider in report["providers"].items():
            active = " (active)" if name == report["active"] else ""
            self.stdout.write(f"{name}{active}")
            self._list(provider)
        self.stdout.write("embeddings of the documents")
        self._list(report["embeddings"])

    def _list(self, fields: dict[str, Any]) -> None:
        for field, value in fields.items():
            self.stdout.write(f"    {field.replace('_', ' '):<16} {_in_words(value)}")


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
