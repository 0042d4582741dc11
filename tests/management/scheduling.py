"""A scheduler in a process of its own, with jobs that tests need: `python -m
tests.management.scheduling`. SCHEDULING holds JSON: {"intervals": {JOB: SECONDS, …}, "limits": {…},
"lease": SECONDS, "grace": SECONDS, "hang": true, "real": true}. Jobs are the functions of
tests/management/fake_jobs.py.

The processes of jobs import this module too.
"""

import json
import os
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.conf import settings  # noqa: E402

from backend.jobs import leading, slots  # noqa: E402
from backend.jobs.registry import JOBS, Job  # noqa: E402
from management import running_jobs, scheduler  # noqa: E402

order = json.loads(os.environ["SCHEDULING"])
JOBS.clear()
for name, interval in order["intervals"].items():
    limit = timedelta(seconds=order.get("limits", {}).get(name, 60))
    JOBS[name] = Job(name, f"tests.management.fake_jobs.{name.split('_')[0]}", limit=limit)
    setattr(settings, f"{name.upper()}_INTERVAL", interval)
if not order.get("real"):  # everything that waits waits less
    leading.LEASE = slots.LEASE = timedelta(seconds=order.get("lease", 3))
    slots.WAIT = timedelta(milliseconds=5)
    scheduler.LOOK, scheduler.STAND_BY = 0.1, 0.2
    scheduler.GRACE = timedelta(seconds=order.get("grace", 0.1))
    scheduler.BUSY, scheduler.HUNG = 0.3, 5.0
    running_jobs.GRACE = timedelta(seconds=1)
if order.get("hang"):
    slots.due = lambda *_: time.sleep(60)  # type: ignore[assignment]

if __name__ == "__main__":
    scheduler.run()
