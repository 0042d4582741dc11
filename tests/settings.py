"""The project's settings in a clean environment, with a store of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Kept for the test runner's workers, which inherit what is set below.
SET_UP_IN = ROOT / os.environ.setdefault("ASKWELL_SET_UP_IN", os.environ.get("DATA_DIR") or "var")

# Empty counts as unset, and keeps a developer's `.env` from filling it.
for line in (ROOT / ".env.example").read_text().splitlines():
    name, equals, _ = line.partition("=")
    if equals and not line.startswith("#"):
        os.environ[name] = ""
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="askwell-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from backend.settings import *  # noqa: E402, F403
from backend.settings import DATA_DIR, DATABASES  # noqa: E402

LOCAL_MODEL_DIR = SET_UP_IN / "minilm-int8"
# A file, so that the threads of a test share it.
DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / "test.sqlite3"}
