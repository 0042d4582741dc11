"""Five processes write into one SQLite store, and none is told that it is locked (promise 24)."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

# Writes a second of each but the worker, which does what there is to do.
ROLES = {"page": 10.0, "chat": 15.0, "work": 25.0, "schedule": 10.0, "bring": 15.0}
AT_LEAST = 50


@dataclass(frozen=True)
class Written:
    counts: dict[str, int]
    locked: int
    seconds: list[float]

    def within(self, share: float) -> float:
        """So many milliseconds at most did this share of the writes take."""
        return sorted(self.seconds)[int(share * len(self.seconds)) - 1] * 1000


def write(folder: Path, seconds: int) -> Written:
    def start(role: str, rate: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.management.writing", role, f"{seconds}", f"{rate}"]
        return subprocess.Popen(
            [*command, str(folder)],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATA_DIR": str(folder),
                "DJANGO_SETTINGS_MODULE": "backend.settings",
                "EMBEDDINGS": "local",
            },
            stdout=subprocess.PIPE,
            text=True,
        )

    with start("migrate", 0) as process:
        assert process.wait() == 0
    running = {role: start(role, rate) for role, rate in ROLES.items()}
    told = {}
    for role, process in running.items():
        with process:
            told[role] = json.loads(process.communicate()[0])
        assert process.returncode == 0
    return Written(
        {role: len(one["seconds"]) for role, one in told.items()},
        sum(one["locked"] for one in told.values()),
        [second for one in told.values() for second in one["seconds"]],
    )


def show(written: Written, seconds: int) -> None:
    print(
        f"\n5 processes, {seconds} s: {len(written.seconds)} writes "
        f"({len(written.seconds) / seconds:.0f} a second: {written.counts}), locked "
        f"{written.locked} times, median {written.within(0.5):.1f} ms, p99 "
        f"{written.within(0.99):.0f} ms, longest {max(written.seconds) * 1000:.0f} ms"
    )


def test_five_processes_write_and_none_finds_the_database_locked(tmp_path: Path) -> None:
    written = write(tmp_path, 10)
    show(written, 10)
    assert written.locked == 0
    assert all(written.counts.values())


@pytest.mark.soak
def test_for_ten_minutes_none_finds_the_database_locked_and_writes_are_fast(
    tmp_path: Path,
) -> None:
    written = write(tmp_path, 600)
    show(written, 600)
    assert written.locked == 0 and all(written.counts.values())
    assert len(written.seconds) >= AT_LEAST * 600
    assert written.within(0.99) < 100
