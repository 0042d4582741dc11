"""A store in a folder of its own, and the schedulers that work on it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings


class Schedulers:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = (folder / "log.txt").open("a")
        self.running: list[subprocess.Popen[str]] = []

    def start(self, **order: Any) -> "subprocess.Popen[str]":
        process = self._python("-m", "tests.management.scheduling", SCHEDULING=json.dumps(order))
        self.running.append(process)
        return process

    def manage(self, *arguments: str, **environment: str) -> int:
        """The exit code of a command of ours."""
        return self._python("manage.py", *arguments, **environment).wait(60)

    def _python(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        ours = {"DATA_DIR": str(self.folder), "DJANGO_SETTINGS_MODULE": "backend.settings"}
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **ours, **environment},
            stdout=self._log,
            stderr=self._log,
            text=True,
        )

    def kill(self, process: "subprocess.Popen[str]") -> None:
        process.kill()
        process.wait()
        self.running.remove(process)

    def stop(self, process: "subprocess.Popen[str]") -> int:
        """Its exit code once it was asked to end."""
        process.send_signal(signal.SIGTERM)
        self.running.remove(process)
        return process.wait(60)

    def close(self) -> None:
        for process in list(self.running):
            self.kill(process)
        self._log.close()

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What a statement gives, in a transaction of its own."""
        connection = sqlite3.connect(self.folder / "askwell.sqlite3", timeout=20)
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def one(self, sql: str, *values: object) -> Any:
        (row,) = self.rows(sql, *values)
        return row[0] if len(row) == 1 else row

    def done(self, job: str = "count") -> int:
        """How many slots of the job are done."""
        return int(self.one("SELECT COUNT(*) FROM jobs_slot WHERE job=? AND state='done'", job))

    def effects(self) -> int:
        """How many slots of counting jobs took effect."""
        return int(self.one("SELECT COUNT(*) FROM knowledge_space WHERE key LIKE 'effect:%'"))

    def calls(self, what: str) -> Counter[str]:
        """How often counting began, or ended, for each slot."""
        lines = (self.folder / "calls").read_text().splitlines()
        return Counter(slot for told, slot, *_ in map(str.split, lines) if told == what)

    def wait(self, what: Callable[[], Any], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, self.log()[-4000:]
            time.sleep(0.05)
