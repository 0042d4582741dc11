"""Check the installation; each line is ok or says what to do."""

from typing import Any

from django.core.management.base import BaseCommand

from management.diagnosis import diagnose


class Command(BaseCommand):
    help = "Check database, model, providers, index and system; exit 1 if anything would fail."

    def handle(self, **options: Any) -> None:
        failing = False
        for finding in diagnose():
            failing |= finding.level == "fail"
            self.stdout.write(f"{finding.level:<5} {finding.what}")
        if failing:
            raise SystemExit(1)
