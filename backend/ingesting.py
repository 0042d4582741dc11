"""Work on the queue of document versions: for the worker, and for the `ingest` command."""

import logging
import time
from datetime import timedelta

from backend import db
from knowledge import ingestion, publishing
from knowledge.errors import KnowledgeError, LeaseLost, ProviderError
from knowledge.faults import reason_of
from knowledge.models import DocumentVersion, VersionState

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
# Before the second attempt; four times as long before each further one, so that a provider may
# be away for a quarter of an hour.
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
        return
    except LeaseLost as error:
        logger.info("%s: %s", version, error)
        db.fail(version, str(error))
    except KnowledgeError as error:
        # What a provider refuses today, a corrected key may allow tomorrow.
        if error.permanent and not isinstance(error, ProviderError):
            db.fail(version, str(error))
        else:
            asked = timedelta(seconds=getattr(error, "retry_after", 0.0))
            db.release(version, str(error), max(_wait(version), asked))
    except Exception as error:
        logger.exception("%s broke off", version)
        db.release(version, reason_of(error), _wait(version))
    publishing.discard_failed()


def _wait(version: DocumentVersion) -> timedelta:
    return WAIT * int(4 ** (version.attempts - 1))


def finish(version: DocumentVersion) -> DocumentVersion:
    """Work on this version now, or wait where a worker has it; returns it ready or failed.

    One attempt: what would be tried again later stays in the queue, with its reason. Where the
    worker died, its lease is waited for.
    """
    row = DocumentVersion.objects.filter(pk=version.pk)
    while True:
        db.set_aside_exhausted(row)
        if (claimed := db.claim_row(row, LEASE)) is not None:
            work_on(claimed)
        version.refresh_from_db()
        if version.state != VersionState.CLAIMED:
            return version
        time.sleep(0.2)
