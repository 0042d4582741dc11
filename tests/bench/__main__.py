"""Run every measurement and print its table. Throughput is a ratio to a bare reference that is
timed in the same run, because machines differ and are shared."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from tests.bench import (  # noqa: E402
    both,
    chatting,
    cleaning,
    ingesting,
    isolating,
    memory,
    quality,
    reembedding,
    reindexing,
    searching,
    sharing,
)

MEASUREMENTS = {
    "quality": quality.measure,
    "ingesting": ingesting.measure,
    "reindexing": reindexing.measure,
    "searching": searching.measure,
    "reembedding": reembedding.measure,
    "memory": memory.measure,
    "chatting": chatting.measure,
    "both": both.measure,
    "sharing": sharing.measure,
    "cleaning": cleaning.measure,
    "isolating": isolating.measure,
}

chosen = sys.argv[1:] or list(MEASUREMENTS)
missed = [row for name in chosen for row in MEASUREMENTS[name]() if not row.met]
print(f"\n{len(missed)} of the targets are missed." if missed else "\nEvery target is met.")
