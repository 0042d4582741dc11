"""What `doctor` looks at."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from backend import storage
from backend.accounts.sign_in import home_has_admin
from backend.accounts.spaces import home, team_key
from backend.jobs.status import somebody_acts, statuses
from backend.jobs.wording import outcome
from backend.storage import FILE
from bot.discord import diagnosis as discord
from bot.slack import diagnosis as slack
from knowledge.catalogue import STATUS, catalogue
from knowledge.embedding import active_model, candidates, embed
from knowledge.errors import KnowledgeError, OcrMissing
from knowledge.extraction import confinement, ocr, sandbox
from knowledge.models import DocumentVersion, Space, VersionState
from knowledge.providers import chain, minilm_files
from knowledge.reembedding import progress
from knowledge.retrieval import search
from management.ai_status import status

# Earlier versions can, very rarely, damage a database that several processes write to.
SOUND_SQLITE = (3, 51, 3)
FREE_BYTES = 1_000_000_000
# So long after its document was removed an original should be gone.
UNDELETED = timedelta(hours=1)


@dataclass(frozen=True)
class Finding:
    """One line: "ok", "note" (works, but should be known) or "fail", and what to do."""

    level: str
    what: str


def diagnose() -> Iterator[Finding]:
    """Every check, in the order in which a failing one would make the next ones fail."""
    yield from _data_folder()
    if (trouble := _database_trouble()) is not None:
        yield Finding("fail", trouble)
        return
    yield Finding("ok", "the database answers and is migrated")
    yield from _sqlite()
    yield from _originals()
    yield from _undeleted()
    yield _local_model()
    yield from _providers()
    yield _embedding_model()
    yield from _change_of_model()
    yield _text_recognition()
    yield _confinement()
    yield from _documents()
    for platform in (slack, discord):
        yield from (Finding(level, what) for level, what in platform.findings())
    yield from _maintenance()
    yield _admin()


def _data_folder() -> Iterator[Finding]:
    folder = Path(settings.DATA_DIR)
    if not os.access(folder, os.W_OK):
        yield Finding("fail", f"{folder} can't be written to; change its owner or DATA_DIR")
    elif (free := shutil.disk_usage(folder).free) < FREE_BYTES:
        yield Finding("fail", f"{folder} has only {free / 1e9:.1f} GB left; make room")
    else:
        yield Finding("ok", f"{folder} can be written to, {free / 1e9:.0f} GB are free")


def _database_trouble() -> str | None:
    try:
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        return f"the database can't be opened ({error}); check DATA_DIR"
    return "the database is not migrated; run `make run` or `manage.py migrate`" if behind else None


def _sqlite() -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < SOUND_SQLITE:
        yield Finding(
            "note",
            f"SQLite {sqlite3.sqlite_version} has a very rare fault when several processes write "
            "(mended in 3.51.3); keep backups",
        )


def _originals() -> Iterator[Finding]:
    if settings.ORIGINALS_STORAGE == FILE:
        return
    if (trouble := storage.trouble()) is not None:
        yield Finding("fail", f"{storage.place()} can't be used: {trouble}")
    else:
        yield Finding("ok", f"originals are kept in {storage.place()}")
    if storage.left_on_disk():
        yield Finding(
            "note",
            f"originals from before still lie in {settings.MEDIA_ROOT}, and nothing deletes them; "
            f"delete that folder once all are in {storage.place()}",
        )


def _undeleted() -> Iterator[Finding]:
    removed = DocumentVersion.objects.filter(document__removed_at__lt=timezone.now() - UNDELETED)
    if count := removed.exclude(original="").count():
        yield Finding(
            "fail",
            f"{count} originals of removed documents can't be deleted; the log of the worker says "
            "which, and why",
        )


def _local_model() -> Finding:
    try:
        minilm_files.verify(Path(settings.LOCAL_MODEL_DIR))
    except KnowledgeError as error:
        return Finding("fail" if _uses_local() else "note", str(error))
    return Finding("ok", "the local embedding model is in place")


def _uses_local() -> bool:
    model = active_model()
    return (model.provider if model else candidates()[0]) == "local"


def _providers() -> Iterator[Finding]:
    if chain() == ["extractive"]:
        yield Finding(
            "note",
            "no language model is configured, so answers are quotations; set GOOGLE_API_KEY or "
            "OPENAI_API_KEY",
        )
        return
    for name, state in status()["providers"].items():
        if state["configured"] and state["problem"]:
            yield Finding("fail", f"{name}: {state['problem']}; check its key, URL and models")
        elif state["configured"]:
            yield Finding("ok", f"{name} answers ({state['latency_ms']} ms)")


def _embedding_model() -> Finding:
    model = active_model()
    if model is None:
        return Finding("ok", f"a new store will embed with: {candidates()[0]}")
    try:
        embed(["test"], model, query=True)
        search("test", list(Space.objects.filter(key=team_key(home()))), 1)
    except KnowledgeError as error:
        return Finding("fail", f"searching by meaning fails: {error}")
    return Finding("ok", f"searching works, with {model} in {model.dimensions} dimensions")


def _confinement() -> Finding:
    if lacking := confinement.missing():
        return Finding(
            "note", f"files are read with less protection: no {' and no '.join(lacking)}"
        )
    return Finding("ok", "files are read by a process that can do nothing else")


def _text_recognition() -> Finding:
    if not ocr.installed():
        return Finding("note", str(OcrMissing()))
    if not sandbox.recognises():
        return Finding(
            "fail",
            "Tesseract is installed and reads nothing; see that `tesseract --list-langs` names a "
            "language (package tesseract-ocr-eng)",
        )
    return Finding("ok", "Tesseract reads pictures and scans")


def _change_of_model() -> Iterator[Finding]:
    if (change := progress()) is not None:
        yield Finding(
            "note",
            f"the embedding model is changing to {change.model}: {change.done:,} of "
            f"{change.total:,} passages; it goes on while the scheduler runs",
        )


def _documents() -> Iterator[Finding]:
    for entry in catalogue(list(Space.objects.all())):
        if entry.status == STATUS[VersionState.FAILED]:
            yield Finding("note", f"{entry.document.name} could not be read: {entry.reason}")


def _maintenance() -> Iterator[Finding]:
    if not somebody_acts():
        yield Finding("note", "the scheduler does not run, so nothing is maintained")
    late = [one for one in statuses() if one.late]
    for one in late:
        yield Finding("note", f"the job {one.job} is late: {outcome(one)}")
    if not late:
        yield Finding("ok", "no job of maintenance is late")


def _admin() -> Finding:
    if home_has_admin():
        return Finding("ok", "there is an admin")
    return Finding("note", "there is no admin yet; open the sign-in link that `make run` prints")
