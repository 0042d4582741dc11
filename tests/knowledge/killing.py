"""Stores in folders of their own, whose processes are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings


class Store:
    """A store in a folder of its own, and the processes that work on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._orders = 0
        self._log = (folder / "stderr.txt").open("w")
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.knowledge.crashing"],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "DJANGO_SETTINGS_MODULE": "backend.settings",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def close(self) -> None:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.close()
        assert self._forks.wait(60) == 0
        self._forks.stdout.close()
        self._log.close()

    def start(self, role: str, **order: Any) -> "Process":
        self._orders += 1
        out = self.folder / f"out-{self._orders}.json"
        return Process(self, int(self._ask(do=role, out=str(out), **order)), out)

    def do(self, role: str, **order: Any) -> Any:
        """Let a process do this to its end."""
        process = self.start(role, **order)
        assert process.wait() == 0, (self.folder / "stderr.txt").read_text()[-3000:]
        return process.outcome()["result"]

    def _ask(self, **order: Any) -> str:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        return self._forks.stdout.readline()

    def status(self, pid: int) -> int:
        return int(self._ask(wait=pid))


class Process:
    def __init__(self, store: Store, pid: int, out: Path) -> None:
        self._store, self.pid, self._out = store, pid, out

    def wait(self) -> int:
        return self._store.status(self.pid)

    def outcome(self) -> Any:
        return json.loads(self._out.read_text())

    def kill_after(self, seconds: float) -> None:
        time.sleep(seconds)
        os.kill(self.pid, signal.SIGKILL)
