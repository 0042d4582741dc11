#!/usr/bin/env python
"""Askwell's management commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Askwell can't start: {error}")
    except DatabaseError as error:
        sys.exit(f"The database can't be used ({error}). `make run` prepares it.")


if __name__ == "__main__":
    main()
