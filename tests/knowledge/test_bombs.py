"""No file hurts the worker (promise 9): it is read within its limits or refused with a sentence."""

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from knowledge.errors import FileRefused
from knowledge.extraction import confinement, ocr, sandbox
from tests.knowledge.bombs import SECRET, Bombs, archives, pdfs, pictures, texts
from tests.knowledge.killing import Process, Store
from tests.knowledge.watching import Watch, descendants, high_water

CANARY = "xoxb-canary-in-the-environment"
HIDDEN = "canary-in-a-file"
EVERY: Bombs = {**pdfs.BOMBS, **archives.BOMBS, **pictures.BOMBS, **texts.BOMBS}
# Those that are over soonest, of every sort.
QUICK = (
    "pages that hold themselves",
    "a thousand million pages",
    "characters without end",
    "a giant page",
    "docx that overlaps",
    "pptx with a file",
    "xlsx with a laugh",
    "an entity in EBCDIC",
    "PNG of 100,000 by 100,000",
    "WebP of 16,383 by 16,383",
    "HTML with a file",
    "RTF that calls itself DOCX",
)
# Megabytes of all that belongs to a file; seconds of a file with one page, which may be a picture.
MOST_MEMORY = sandbox.READER_MEMORY + sandbox.OCR_MEMORY
LONGEST = sandbox.A_FILE + sandbox.A_PAGE + sandbox.A_SCAN
# Seconds until a reader that is killed is gone, where the machine has other things to do.
GRACE = 3.0
# Of the worker itself, with the file and all that was read of it in hand.
WORKER_MEMORY = 512
REFUSALS = FileRefused.__subclasses__()
needs_kernel = pytest.mark.skipif(
    bool(confinement.missing()), reason=f"this kernel lacks {confinement.missing()}"
)
needs_tesseract = pytest.mark.skipif(
    not ocr.installed(), reason="Tesseract is missing (apt-get install tesseract-ocr)"
)


@pytest.fixture
def bombed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store whose worker knows a secret, beside a file that holds one."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", CANARY)
    SECRET.write_text(HIDDEN)
    try:
        with closing(Store(tmp_path)) as store:
            store.do("migrate")
            yield store
    finally:
        SECRET.unlink()


def told(store: Store, version: int) -> tuple[str, str, int]:
    """State, reason and attempts."""
    uri = f"file:{store.folder / 'askwell.sqlite3'}?mode=ro"
    sql = "SELECT state, reason, attempts FROM knowledge_documentversion WHERE id = ?"
    with closing(sqlite3.connect(uri, uri=True, timeout=30)) as rows:
        state, reason, attempts = rows.execute(sql, [version]).fetchone()
    return state, reason, attempts


def let_off(store: Store, worker: Process, name: str, data: bytes) -> tuple[str, float]:
    """Why a file was refused, as a person is told; and how many seconds that took."""
    path, begun = store.folder / "bomb", time.monotonic()
    path.write_bytes(data)
    brought = store.do("bring", path=str(path), name=name)
    if "reason" in brought:
        return brought["reason"], time.monotonic() - begun
    while (now := told(store, brought["version"]))[0] not in ("ready", "failed"):
        assert time.monotonic() < begun + 900, (name, now)
        assert Path(f"/proc/{worker.pid}").exists()
        time.sleep(0.05)
    state, reason, attempts = now
    assert attempts <= 1, (name, now)
    return ("" if state == "ready" else reason), time.monotonic() - begun


def kind_of(reason: str) -> str:
    """What refused the file, which has a sentence for people."""
    [found] = [kind for kind in REFUSALS if reason.startswith(str(kind()).rstrip("."))]
    return found.__name__


@contextmanager
def working(store: Store) -> Iterator[Process]:
    worker = store.start("run_worker")
    try:
        yield worker
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait() == 0
    except BaseException:
        worker.kill_after(0)
        raise


def campaign(store: Store, names: Sequence[str]) -> None:
    outcomes, longest = Counter[str](), 0.0
    with working(store) as worker:
        with Watch(worker.pid, CANARY.encode()) as watch:
            for name in names:
                file, make = EVERY[name]
                reason, took = let_off(store, worker, file, make())
                outcomes[kind_of(reason) if reason else "read"] += 1
                longest = max(longest, took)
                print(f"  {name}: {reason or 'read'} ({took:.1f} s)", flush=True)
            reason, _ = let_off(store, worker, "good.html", b"<html><p>Otters eat fish.</html>")
        seen, own = watch.seen, high_water(worker.pid)
        assert (reason, descendants(worker.pid), seen.orphans()) == ("", [], [])
    print(
        f"{len(names)} bombs: {dict(outcomes)}; at most {longest:.0f} s until told, readers at "
        f"most {seen.seconds:.1f} s and {seen.megabytes:.0f} MB, the worker {own:.0f} MB; "
        f"{len(seen.lives)} processes that read, {len(seen.orphans())} left, 0 deaths of the "
        f"worker, {len(seen.sockets)} sockets, {len(seen.secrets)} secrets"
    )
    assert seen.lives and seen.megabytes <= MOST_MEMORY and own <= WORKER_MEMORY
    assert seen.seconds <= LONGEST + GRACE
    assert not seen.sockets and not seen.secrets
    kept = b"".join(path.read_bytes() for path in store.folder.glob("askwell.sqlite3*"))
    assert CANARY.encode() not in kept and HIDDEN.encode() not in kept


@needs_kernel
def test_a_dozen_bombs_do_nothing_to_the_worker(bombed: Store) -> None:
    campaign(bombed, QUICK)


@pytest.mark.soak
@needs_kernel
@needs_tesseract
def test_every_bomb_does_nothing_to_the_worker(bombed: Store) -> None:
    assert len(EVERY) >= 60
    campaign(bombed, list(EVERY))
