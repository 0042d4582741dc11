"""The scheduler's process: it acts, or stands by until the one that acts is gone.

It never dies silently: what can be recovered from begins anew, and what hangs ends the process
with 1.
"""

import faulthandler
import logging
import signal
import threading
from collections.abc import Callable
from datetime import timedelta

from apscheduler.jobstores.base import JobLookupError
from django.db import DatabaseError, close_old_connections, connection, connections

from backend import db
from backend.jobs import leading, notices, slots
from knowledge.errors import LeaseLost
from management.errors import LoopEnded
from management.running_jobs import running
from management.ticking import Ticker

logger = logging.getLogger(__name__)

# Seconds between two looks at what waits, and between two tries to take the lead.
LOOK, STAND_BY = 2.0, 5.0
# So long a look leaves it to APScheduler to start what is due.
GRACE = timedelta(seconds=2 * LOOK)
# So long a look may take before the process is taken for dead.
HUNG = 50.0
# A look waits less for a locked database than others do, so that it is over long before that.
BUSY = 5.0


def run() -> None:
    """Act or stand by until SIGTERM or SIGINT; jobs in hand are broken off and taken up later."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _wait_less_for_locks()
    while not stop.is_set():
        _alive()
        try:
            _act_if_free(stop)
        except LeaseLost:
            logger.warning("Another scheduler has taken the lead; standing by")
        except (DatabaseError, LoopEnded, JobLookupError) as error:
            logger.warning("The scheduler begins anew: %s", error)
        close_old_connections()
        stop.wait(STAND_BY)
    running.stop()
    faulthandler.cancel_dump_traceback_later()


def _alive() -> None:
    faulthandler.dump_traceback_later(HUNG, exit=True)


def _wait_less_for_locks() -> None:
    if connection.vendor == "sqlite":
        connections.settings["default"]["OPTIONS"]["timeout"] = BUSY
        connection.close()


def _act_if_free(stop: threading.Event) -> None:
    lead = leading.take_lead()
    if lead is None:
        return
    try:
        with db.held(lead, leading.LEASE) as keep:
            _act(keep, stop)
    finally:
        leading.hand_over(lead)


def _act(keep: Callable[[], None], stop: threading.Event) -> None:
    ticker = Ticker()
    try:
        ticker.begin()
        logger.info("The scheduler acts")
        while not stop.is_set():
            keep()
            _look(ticker)
            stop.wait(LOOK)
    finally:
        ticker.end()


def _look(ticker: Ticker) -> None:
    """Start what waits: what was missed, is to be tried again, or was asked for."""
    _alive()
    if ticker.is_over:
        raise LoopEnded()
    slots.set_aside()
    notices.tell_of_failures()
    for name in slots.due(db.clock(), GRACE):
        if name not in running:
            ticker.start_now(name)
    close_old_connections()
