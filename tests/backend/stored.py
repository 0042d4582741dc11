"""What is stored, wherever it stands."""

from pathlib import Path

from django.conf import settings
from django.db import connection


def everything_stored() -> str:
    """Every cell of every table, and every file."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows += [table, *map(repr, cursor.fetchall())]
    folders = (Path(settings.MEDIA_ROOT), Path(settings.SNAPSHOT_DIR))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*rows, *(f"{path.name} {path.read_bytes()!r}" for path in files)])
