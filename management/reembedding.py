"""The job that goes on with a change of the embedding model, and how a terminal follows it."""

import os
import sys
import time

from tqdm import tqdm

from knowledge.reembedding import progress, reembed_step

# The model of this machine would take the processors that searches need.
NICENESS = 15
# Seconds between two looks.
FOLLOW_EVERY = 1.0


def reembed() -> str:
    """Go on with the change that is under way, in a process of its own that yields to others."""
    os.nice(NICENESS)
    return reembed_step()


def follow() -> None:
    """Show on the terminal how far the change is, until it has ended."""
    now = progress()
    bar = tqdm(total=now.total if now else 0, file=sys.stderr, leave=False)
    with bar:
        while now is not None:
            bar.total, bar.n = now.total, now.done
            bar.refresh()
            time.sleep(FOLLOW_EVERY)
            now = progress()
