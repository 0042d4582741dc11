"""Load what the first question would otherwise wait for."""

import logging

from django.db import DatabaseError, connection

from knowledge.embedding import active_model, embedder
from knowledge.errors import KnowledgeError
from knowledge.providers import chain, chat_model

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Load the configured SDKs and the embedding model. Failing is no harm: whatever is wrong is
    said where it is needed."""
    for provider in chain():
        chat_model(provider)
    try:
        if (model := active_model()) is not None:
            embedder(model.provider)
    except (DatabaseError, KnowledgeError) as error:
        logger.warning("the embedding model is not loaded yet: %s", error)
    finally:
        connection.close()
