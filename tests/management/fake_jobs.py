"""Jobs of tests. What they do is seen in the database, and in a line for each call."""

import os
import signal
import time
from multiprocessing import current_process
from pathlib import Path

from django.conf import settings

from backend.jobs.models import Slot, SlotState
from knowledge.models import Space


def count() -> str:
    """Takes effect once for each slot, however often it is called for it."""
    # The process has its job's name.
    slot = Slot.objects.get(job=current_process().name, state=SlotState.CLAIMED)
    _told("begun", slot)
    time.sleep(0.01)
    Space.objects.get_or_create(key=f"effect:{slot.pk}")
    _told("ended", slot)
    return "Counted."


def broken() -> str:
    raise RuntimeError("the secret word is xyzzy")


def hang() -> str:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def die() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


def _told(what: str, slot: Slot) -> None:
    line = f"{what} {slot.pk} {slot.token} {time.time()}\n"
    with (Path(settings.DATA_DIR) / "calls").open("a") as file:
        file.write(line)
