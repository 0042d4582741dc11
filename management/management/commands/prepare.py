"""What `make run` does before it serves: database, watched folders, the first sign-in link."""

import socket
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from backend.accounts.sign_in import home_has_admin, link_for
from backend.ingesting import finish
from knowledge.models import Document, VersionState
from management.reindexing import look_again
from management.terminal import progress


class Command(BaseCommand):
    help = "Prepare the store: migrate it, load WATCH_FOLDERS, print a sign-in link if needed."

    def handle(self, **options: Any) -> None:
        _check_port(settings.PORT)
        call_command("migrate", verbosity=0)
        found = look_again(thorough=True)
        for problem in found.problems:
            self.stderr.write(problem)
        for version in progress(found.waiting, "Reading documents"):
            if finish(version).state == VersionState.FAILED:
                self.stderr.write(f"{version.document.name}: {version.reason}")
        ready = Document.objects.kept().exclude(files=None).exclude(current=None)
        self.stdout.write(
            f"{ready.distinct().count()} documents of the watched folders are in place."
        )
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
