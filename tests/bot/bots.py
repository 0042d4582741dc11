"""Bots in processes of their own, which tests/bot/crashing.py starts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.simulators.gemini import GeminiSimulator

OFFICES = "The office in Lisbon opens at nine o'clock."


class Bots:
    """A store of its own, and the processes that work on it. `platform` is the module that knows
    the platform, and `env` points them to it; `claim` names a community of the team's."""

    def __init__(
        self,
        folder: Path,
        gemini: GeminiSimulator,
        platform: str,
        env: Mapping[str, str],
        claim: tuple[str, str] | None = None,
    ) -> None:
        self.folder, self._orders = folder, 0
        self._log = (folder / "stderr.txt").open("w")
        self._forks = subprocess.Popen(
            [sys.executable, "-m", "tests.bot.crashing", platform],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "DJANGO_SETTINGS_MODULE": "backend.settings",
                "GOOGLE_API_KEY": gemini.key or "",
                "GEMINI_BASE_URL": gemini.url,
                "EMBEDDINGS": "local",
                **env,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.do("migrate", text=OFFICES, claim=claim)

    def close(self) -> None:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.close()
        assert self._forks.wait(60) == 0
        self._forks.stdout.close()
        self._log.close()

    def start(self, role: str, **order: Any) -> int:
        self._orders += 1
        return int(self._ask(do=role, out=str(self.last_out), **order))

    def do(self, role: str, **order: Any) -> Any:
        """Let a process do this to its end."""
        pid = self.start(role, **order)
        assert self._ask(wait=pid) == 0, self.log()
        return json.loads(self.last_out.read_text())["result"]

    def status(self, pid: int) -> int | None:
        """None while it runs."""
        found: int | None = self._ask(poll=pid)
        return found

    def end(self, pid: int, number: signal.Signals) -> int:
        os.kill(pid, number)
        return int(self._ask(wait=pid))

    def log(self) -> str:
        return (self.folder / "stderr.txt").read_text()[-6000:]

    @property
    def last_out(self) -> Path:
        """The file of the process that was started last."""
        return self.folder / f"out-{self._orders}.json"

    def _ask(self, **order: Any) -> Any:
        assert self._forks.stdin is not None and self._forks.stdout is not None
        self._forks.stdin.write(json.dumps(order) + "\n")
        self._forks.stdin.flush()
        return json.loads(self._forks.stdout.readline())
