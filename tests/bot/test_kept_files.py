"""What is kept of a shared file is the item's that brought it, whatever the clocks say."""

from datetime import timedelta

import pytest
from django.utils import timezone

from backend.library import bringing
from bot import inbox, kept_files
from bot.incoming import SharedFile
from bot.models import InboxItem
from bot.platforms import Fetched
from knowledge.errors import LeaseLost
from knowledge.models import Document, DocumentVersion
from tests.bot.items import again, deleted, next_item, said

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "channel:slack/T1/C1"
FILE = Fetched("hr.txt", b"The office opens at nine.")


def shared(message: str = "1.1", ago: timedelta = timedelta()) -> InboxItem:
    """A claimed item of a file, received so long ago by the clock of another machine."""
    inbox.take(said(message, "", files=[SharedFile("F1", "hr.txt")]))
    item = next_item()
    InboxItem.objects.filter(pk=item.pk).update(received_at=timezone.now() - ago)
    item.refresh_from_db()
    return item


def kept(item: InboxItem) -> InboxItem:
    kept_files.keep(item, HERE, FILE, None)
    return again(item)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_whoever_brought_a_file_takes_it_along(hours: int) -> None:
    item = kept(shared(ago=timedelta(hours=hours)))
    assert item.brought and item.version == DocumentVersion.objects.get()
    inbox.take(deleted(text="", files=[SharedFile("F1", "hr.txt")]))
    kept_files.take_away(again(item))
    assert not Document.objects.kept().exists()


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_what_was_there_stays_with_whoever_brought_it(hours: int) -> None:
    first = kept(shared())
    second = shared("2.1", timedelta(hours=hours))
    kept_files.keep(second, HERE, FILE, None)
    assert not second.brought
    assert second.version == first.version


def test_what_is_deleted_while_it_is_stored_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    item = shared()

    def deleted_meanwhile(*args: object) -> object:
        inbox.take(deleted(text="", files=[SharedFile("F1", "hr.txt")]))
        return bringing.bring(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(kept_files, "bring", deleted_meanwhile)
    with pytest.raises(LeaseLost):
        kept_files.keep(item, HERE, FILE, None)
    assert not Document.objects.exists()
