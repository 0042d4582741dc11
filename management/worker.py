"""The worker's loop."""

import logging
import signal
import threading
import time

from django.db import close_old_connections

from backend.chat.forgetting import sweep_forgotten
from backend.chat.removal import sweep_removed
from backend.ingesting import work_on_next
from bot import forgetting
from knowledge.index import snapshot_files
from knowledge.publishing import discard_failed

logger = logging.getLogger(__name__)

# Seconds between looks at an empty queue, and between looks for unfinished removals.
IDLE = 0.5
SWEEP = 5.0
# After a fault that nobody named; the row's lease decides when it is tried again.
AFTER_FAULT = 2.0


def run() -> None:
    """Work until SIGTERM or SIGINT; what is in hand is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    swept = 0.0
    snapshot_files.delete_strangers()
    while not stop.is_set():
        try:
            worked = work_on_next()
            if time.monotonic() - swept > SWEEP:
                sweep()
                swept = time.monotonic()
        except Exception:
            logger.exception("The worker goes on after a fault")
            stop.wait(AFTER_FAULT)
            worked = True
        close_old_connections()
        if not worked:
            stop.wait(IDLE)


def sweep() -> None:
    """Finish what some process broke off: removals, forgetting people, failed documents."""
    sweep_removed()
    sweep_forgotten()
    forgetting.sweep()
    forgetting.sweep_unnoted()
    discard_failed()
