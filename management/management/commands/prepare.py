"""What `make run` does before it serves: database, watched folders, the first sign-in link."""

import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from backend.accounts.sign_in import home_has_admin, link_for
from backend.ingesting import finish
from knowledge.models import VersionState
from management.terminal import progress
from management.watching import add_watched


class Command(BaseCommand):
    help = "Prepare the store: migrate it, load WATCH_FOLDERS, print a sign-in link if needed."

    def handle(self, **options: Any) -> None:
        _check_port(settings.PORT)
        call_command("migrate", verbosity=0)
        for folder in settings.WATCH_FOLDERS:
            if not folder.is_dir():
                self.stderr.write(f"WATCH_FOLDERS names {folder}, which is no folder.")
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


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(f"Port {port} is taken. Stop what uses it, or set PORT.") from None
