"""Work on the queue of document versions: for the worker, and for the `ingest` command."""

import logging
import time
from datetime import timedelta

from backend import db
from knowledge import ingestion, publishing
from knowledge.errors import KnowledgeError, LeaseLost
from knowledge.models import DocumentVersion, VersionState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
# Before another attempt; multiplied by the number of attempts so far.
WAIT = timedelta(seconds=10)


def work_on_next() -> bool:
    """Claim and work on one waiting version; False where none waits."""
    versions = DocumentVersion.objects.select_related("document__space")
    db.set_aside_exhausted(DocumentVersion.objects.all())
    version = db.claim(versions, LEASE)
    if version is None:
        return False
    work_on(version)
    return True


def work_on(version: DocumentVersion) -> None:
    """Take a claimed version through the pipeline. Its outcome is its row's state and reason."""
    try:
        with db.held(version, LEASE) as keep:
            ingestion.process(version, keep)
    except LeaseLost as error:
        logger.info("%s: %s", version, error)
        publishing.discard_unpublished(version)
        db.fail(version, str(error))
    except KnowledgeError as error:
        if error.permanent:
            db.fail(version, str(error))
        else:
            db.release(version, str(error), WAIT * version.attempts)


def finish(version: DocumentVersion) -> DocumentVersion:
    """Work on this version now, or wait where a worker has it; returns it ready or failed.

    One attempt: what would be tried again later stays in the queue, with its reason.
    """
    claimed = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), LEASE)
    if claimed is not None:
        work_on(claimed)
    version.refresh_from_db()
    while version.state == VersionState.CLAIMED:
        time.sleep(0.2)
        version.refresh_from_db()
    return version
