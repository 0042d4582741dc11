"""Going back to a version after the passages that were replaced have been purged."""

import pytest
from django.test import Client
from django.utils import timezone

from backend.accounts.audience import readable_spaces
from backend.accounts.models import User
from backend.chat.models import Message
from backend.ingesting import finish
from backend.library.versions import roll_back
from knowledge.errors import Unreachable
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.retrieval import search
from management.purging import purge
from tests.backend.talk import asked, kept
from tests.backend.test_versions import ASK, brought, page_of, shown
from tests.knowledge.fake_embedder import FakeEmbedder

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(member: User, fake: type[FakeEmbedder]) -> User:
    return member


def purged() -> None:
    """As an hour later."""
    list(purge(timezone.now()))


def opened(answer: Message, reader: User) -> str:
    """The passage that the answer cites, as the page shows it."""
    client, source = Client(), answer.sources.get()
    client.force_login(reader)
    place = f"/passages/{source.version_id}/{source.section_id}/"
    found = client.get(place, {"start": source.start, "end": source.end})
    assert found.status_code == 200, found.content
    return str(found.json()["text"])


def test_what_earlier_answers_cite_opens_whatever_is_gone_back_to_and_purged(member: User) -> None:
    old = brought(member, "ten")
    first = kept(asked(ASK, page_of(member)))
    brought(member, "eleven")
    second = kept(asked(ASK, page_of(member)))
    purged()
    finish(roll_back(old.document, 1, page_of(member)))
    third = kept(asked(ASK, page_of(member)))
    purged()
    assert Chunk.objects.filter(chunking__version__document=old.document).count() == 1
    cited = [opened(answer, member) for answer in (first, second, third)]
    assert ["at ten" in text for text in cited] == [True, False, True]
    assert "at eleven" in cited[1]


def test_what_was_gone_back_from_can_be_gone_back_to(
    member: User, fake: type[FakeEmbedder]
) -> None:
    old = brought(member, "ten")
    brought(member, "eleven")
    purged()
    fake.embedded.clear()
    for number, hour in ((1, "ten"), (2, "eleven"), (3, "ten")):
        assert finish(roll_back(old.document, number, page_of(member))).state == "ready"
        assert f"at {hour}" in shown(member)
        purged()
    assert len(fake.embedded) == 3, "each time what was purged is embedded again"


def test_within_the_hour_nothing_is_embedded_again(member: User, fake: type[FakeEmbedder]) -> None:
    old = brought(member, "ten")
    brought(member, "eleven")
    fake.embedded.clear()
    for number in (1, 2, 3):
        finish(roll_back(old.document, number, page_of(member)))
    assert fake.embedded == []


def test_where_the_model_is_away_what_was_shown_stays(
    member: User, fake: type[FakeEmbedder]
) -> None:
    old, new = brought(member, "ten"), brought(member, "eleven")
    purged()

    def be_away(texts: object) -> None:
        raise Unreachable("fake")

    fake.before = be_away
    back = finish(roll_back(old.document, 1, page_of(member)))
    assert (back.state, Document.objects.get(pk=old.document_id).current) == ("received", new)
    found = search(ASK, readable_spaces(page_of(member)), 1)
    assert ["at eleven" in passage.text for passage in found] == [True]
    fake.before = None
    DocumentVersion.objects.filter(pk=back.pk).update(lease_until=None)
    assert finish(back).state == "ready" and "at ten" in shown(member)
