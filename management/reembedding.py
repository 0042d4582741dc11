"""How a terminal follows a change of the embedding model."""

import sys
import time

from tqdm import tqdm

from knowledge.reembedding import progress

# Seconds between two looks.
FOLLOW_EVERY = 1.0


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
