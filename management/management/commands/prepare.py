"""What `make run` does before it serves: database, watched folders, the first sign-in link."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from backend.accounts.sign_in import home_has_admin, link_for
from backend.ingesting import finish
from knowledge.models import VersionState
from management.terminal import progress
from management.watching import add_watched


class Command(BaseCommand):
    help = "Prepare the store: migrate it, load WATCH_FOLDERS, print a sign-in link if needed."

    def handle(self, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        found = list(add_watched())
        for path, version, outcome in progress(found, "Reading documents"):
            if version is None:
                self.stderr.write(f"{path.name}: {outcome}")
            elif finish(version).state == VersionState.FAILED:
                self.stderr.write(f"{path.name}: {version.reason}")
        states = [version.state for _, version, _ in found if version is not None]
        ready = states.count(VersionState.READY)
        self.stdout.write(f"{ready} documents of the watched folders are in place.")
        if home_has_admin():
            self.stdout.write(f"Askwell opens at http://127.0.0.1:{settings.PORT}")
        else:
            self.stdout.write(
                "\nOpen this link to sign in; it works once and makes you the admin:\n\n"
                f"    {link_for(None)}\n"
            )
