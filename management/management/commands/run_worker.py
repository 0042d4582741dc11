"""The worker: takes document versions through the pipeline, and finishes removals."""

from typing import Any

from django.core.management.base import BaseCommand

from management.worker import run


class Command(BaseCommand):
    help = "Work on waiting documents until stopped."

    def handle(self, **options: Any) -> None:
        run()
