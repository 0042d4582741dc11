"""What the web process holds once it has answered from a loaded collection."""

import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings

from tests.bench.quality import CONTOSO
from tests.bench.table import Row, show

# The web process: the application as uvicorn imports it, after questions to a full collection.
PROGRAM = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import uvicorn
from backend.asgi import application
from pathlib import Path
from backend.accounts.spaces import home, space_for, team_key
from knowledge.retrieval import retrieve
from management.evaluating import _load
from management.scratch import scratch_store
with scratch_store():
    space = space_for(team_key(home()))
    if os.fork() == 0:  # another process ingests, as the worker does
        _load(Path(sys.argv[1]), space, lambda rows, what: rows)
        os._exit(0)
    assert os.wait()[1] == 0
    for question in ("What is covered?", "Who is the chief executive?", "parental leave"):
        assert retrieve(question, [space], 8).passages
    print(int(next(line for line in open("/proc/self/status") if "VmRSS" in line).split()[1]))
"""


def measure() -> list[Row]:
    return show("Memory", _rows())


def _rows() -> Iterator[Row]:
    folder = CONTOSO if CONTOSO.exists() else settings.BASE_DIR / "documents"
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    resident = int(ran.stdout.split()[-1]) / 1024
    yield Row(f"MB resident, web with {folder.name} loaded", resident, at_most=400)
