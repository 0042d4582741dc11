#!/usr/bin/env python
"""Askwell's management commands."""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command, execute_from_command_line
from django.db import DatabaseError

OURS = Path(__file__).parent / "management" / "management" / "commands"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    try:
        if len(sys.argv) > 1 and (OURS / f"{sys.argv[1]}.py").exists():
            _make_new_store()
        execute_from_command_line(sys.argv)
    except SystemExit as stop:  # argparse ends with 2 where a command is misspelt
        sys.exit(1 if stop.code == 2 else stop.code)
    except ImproperlyConfigured as error:
        sys.exit(f"Askwell can't start: {error}")
    except DatabaseError as error:
        sys.exit(f"The database can't be used ({error}). `make run` prepares it.")
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _make_new_store() -> None:
    """Our commands work from the first one on, whichever that is."""
    if not Path(settings.DATABASES["default"]["NAME"]).exists():
        django.setup()
        call_command("migrate", verbosity=0)


if __name__ == "__main__":
    main()
