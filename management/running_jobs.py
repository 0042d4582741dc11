"""The jobs that run in processes of this scheduler's."""

import signal
import threading
import time
from datetime import timedelta
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from backend import db
from backend.jobs import slots
from backend.jobs.models import Slot, SlotState
from backend.jobs.registry import JOBS
from management import wording
from management.job_process import start

# So long after its limit a process that did not end itself is killed.
GRACE = timedelta(seconds=10)
# Seconds that a process may take to end where it is asked to.
PATIENCE = 2.0


class RunningJobs:
    def __init__(self) -> None:
        self._processes: dict[str, BaseProcess] = {}
        self._guard = threading.Lock()
        self._stopping = False

    def __contains__(self, name: str) -> bool:
        return name in self._processes

    def run(self, slot: Slot) -> str:
        """Run a claimed slot in a process and wait for its end; why it failed, else nothing."""
        try:
            started = self._start(slot)
        except (OSError, EOFError) as error:  # of files, processes or memory there are too many
            why = getattr(error, "strerror", None) or error
            problem = wording.NOT_STARTED.format(reason=why)
            slots.give_back(slot, problem)
            return problem
        if not started:
            db.let_go(slot)
            return ""
        process = self._processes[slot.job]
        try:
            self._wait(process, JOBS[slot.job].limit)
        finally:
            with self._guard:
                del self._processes[slot.job]
        return self._outcome(slot, process)

    def stop(self) -> None:
        """End every process; what they were at is taken up later."""
        with self._guard:
            self._stopping = True
            ending = list(self._processes.values())
        for process in ending:
            process.terminate()
        left, until = {process.sentinel for process in ending}, time.monotonic() + PATIENCE
        while left and time.monotonic() < until:
            left -= set(wait(left, until - time.monotonic()))
        for process in ending:
            process.kill()

    def _start(self, slot: Slot) -> bool:
        with self._guard:
            if not self._stopping:
                self._processes[slot.job] = start(slot)
            return not self._stopping

    def _wait(self, process: BaseProcess, limit: timedelta) -> None:
        process.join((limit + GRACE).total_seconds())
        if process.is_alive():  # stopped, for one, so that no signal but this one reaches it
            process.kill()
            process.join()

    def _outcome(self, slot: Slot, process: BaseProcess) -> str:
        if self._stopping and db.let_go(slot):
            return ""
        now = Slot.objects.get(pk=slot.pk)
        if (now.state, now.token) == (SlotState.CLAIMED, slot.token):  # it did not say how it ended
            slots.give_back(slot, _end_of(process, JOBS[slot.job].limit))
            now.refresh_from_db()
        return "" if now.state == SlotState.DONE else now.reason


def _end_of(process: BaseProcess, limit: timedelta) -> str:
    if process.exitcode == -signal.SIGALRM:
        return wording.TOOK_LONGER.format(limit=limit)
    return wording.ENDED_WITH.format(code=process.exitcode)


running = RunningJobs()
