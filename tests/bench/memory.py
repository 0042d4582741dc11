"""What the web process holds once it has answered from a loaded collection."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from tests.bench.quality import CONTOSO
from tests.bench.table import Row, show

# The web process: the application under its server, after questions to the collection.
PROGRAM = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "backend.settings"
import uvicorn
from backend.asgi import application
from backend.accounts.spaces import home, space_for, team_key
from knowledge.retrieval import retrieve
space = space_for(team_key(home()))
for question in ("What is covered?", "Who is the chief executive?", "parental leave"):
    assert retrieve(question, [space], 8).passages
print(next(line for line in open("/proc/self/status") if "VmRSS" in line).split()[1])
"""


def measure() -> list[Row]:
    return show("Memory", _rows())


def _rows() -> Iterator[Row]:
    folder = CONTOSO / "files" if CONTOSO.exists() else settings.BASE_DIR / "documents"
    with tempfile.TemporaryDirectory() as store:
        (Path(store) / "minilm-int8").symlink_to(settings.LOCAL_MODEL_DIR)
        _run(store, "manage.py", "migrate", "--verbosity", "0")
        _run(store, "manage.py", "ingest", str(folder), "--json")
        resident = int(_run(store, "-c", PROGRAM)) / 1024
    yield Row(f"MB resident, web with {folder.parent.name} loaded", resident, at_most=400)


def _run(store: str, *arguments: str) -> str:
    """What Python prints in a process of its own, whose store is `store`."""
    environment = {**os.environ, "DATA_DIR": store, "DJANGO_SETTINGS_MODULE": "backend.settings"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
