"""One run of a job, and the process that it has to itself: what hangs can be ended, and what
crashes takes nothing with it.

Processes are forked from a server that has loaded this module and runs no thread.
"""

import logging
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.db import close_old_connections
from django.utils.module_loading import import_string

from backend import db
from backend.jobs import slots
from backend.jobs.models import Slot
from backend.jobs.registry import JOBS
from knowledge.errors import KnowledgeError
from knowledge.faults import reason_of
from management.errors import MaintenanceError

logger = logging.getLogger(__name__)

# Questions go first.
NICENESS = 5

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def start(slot: Slot) -> BaseProcess:
    """A process that runs the claimed slot. It outlives us if we are killed, and then still keeps
    the slot's lease, finishes it, and keeps to the job's limit."""
    process = _processes.Process(target=_run_claimed, args=(slot.pk, slot.token), name=slot.job)
    process.start()
    return process


def _run_claimed(pk: int, token: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl+C is the scheduler's to deal with
    os.nice(NICENESS)
    slot = Slot.objects.filter(pk=pk, token=token).first()
    if slot is not None:
        signal.alarm(int(JOBS[slot.job].limit.total_seconds()))  # ends the process
        run(slot)


def run(slot: Slot) -> None:
    """Call the job's function for a claimed slot. Its outcome is the slot's state."""
    ours = slots.begin(slot)
    if ours:
        with db.held(slot, slots.LEASE):
            ours = _ended(slot)
    if not ours:
        logger.warning("%s was taken over by another process", slot)
    close_old_connections()


def _ended(slot: Slot) -> bool:
    """Whether the slot was still ours when its outcome was written."""
    try:
        did = import_string(JOBS[slot.job].function)()
    except (KnowledgeError, MaintenanceError) as error:
        logger.warning("%s failed: %s", slot.job, error)
        return slots.give_back(slot, str(error))
    except Exception as error:
        logger.exception("%s broke off", slot.job)
        return slots.give_back(slot, reason_of(error))
    logger.debug("%s: %s", slot.job, did)
    return slots.finish(slot, did)
