"""What the card of a file says, for every state that it may be in, and when it is told anew."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backend.accounts.spaces import space_for
from backend.ingesting import finish
from backend.library.versions import remove_version
from bot import following, wording
from bot.cards import card_of, failed, marks, shown
from bot.following import Follower
from bot.models import InboxItem, ItemState, Kind
from bot.platforms import Platform
from knowledge import ingestion
from knowledge.errors import FileRefused
from knowledge.models import DocumentVersion, Space, VersionState
from knowledge.removal import remove_document

pytestmark = pytest.mark.django_db
HERE = "channel:slack/T1/C1"


def brought(text: str = "The office opens at nine.", space: str = HERE) -> DocumentVersion:
    return ingestion.add_document(space_for(space), "hr.txt", text.encode()).version


def item_of(version: DocumentVersion, **fields: Any) -> InboxItem:
    """A file whose card was told before anything happened to the version."""
    values: dict[str, Any] = {
        "state": ItemState.ANSWERED,
        "told": "reading/0/0",
        "pending": True,
        "settled": True,
        "brought": True,
    }
    return InboxItem.objects.create(
        kind=Kind.FILE,
        platform="slack",
        message=f"1.1/F{InboxItem.objects.count()}",
        version=version,
        **values | fields,
    )


def text_of(version: DocumentVersion, **fields: Any) -> str:
    return card_of(item_of(version, **fields)).text


def reading(version: DocumentVersion, **fields: Any) -> None:
    DocumentVersion.objects.filter(pk=version.pk).update(state=VersionState.CLAIMED, **fields)


class Following:
    """A follower, and the items that it had told anew so far."""

    def __init__(self) -> None:
        self._follower = Follower(dict[str, Platform], lambda: None)

    def due(self, platforms: Sequence[str] = ("slack",)) -> set[int]:
        self._follower.look(platforms)
        return set(InboxItem.objects.filter(settled=False).values_list("pk", flat=True))


def told(item: InboxItem) -> None:
    """Its card is told, as its owner does."""
    assert item.version_id is not None
    now = marks([item.version_id])[item.version_id]
    InboxItem.objects.filter(pk=item.pk).update(
        settled=True, told=now, pending=now.startswith("reading")
    )


# What it says


def test_it_says_which_page_or_passage_is_being_read() -> None:
    version = brought()
    assert text_of(version) == "Reading hr.txt…"
    reading(version, pages=12, pages_done=3)
    assert text_of(version) == "Reading hr.txt: page 3 of 12…"
    reading(version, done=1_000, total=2_500)
    assert text_of(version) == "Reading hr.txt: passage 1,000 of 2,500…"
    assert text_of(version, private=True) == "Reading hr.txt…"
    assert not card_of(item_of(version)).final


def test_it_counts_pages_and_passages() -> None:
    version = finish(brought())
    assert text_of(version) == "hr.txt: 1 passage, searchable by: this channel"
    DocumentVersion.objects.update(pages=1)
    assert text_of(version) == "hr.txt: 1 page, 1 passage, searchable by: this channel"
    DocumentVersion.objects.update(pages=12)
    assert text_of(version) == "hr.txt: 12 pages, 1 passage, searchable by: this channel"


@pytest.mark.parametrize(
    ("space", "readers"),
    [(HERE, "this channel"), ("personal:home/1", "you alone"), ("team:home", "the whole team")],
)
def test_it_says_who_finds_the_file(space: str, readers: str) -> None:
    assert text_of(finish(brought(space=space))).endswith(f"searchable by: {readers}")


def test_it_says_which_version_it_is() -> None:
    first, second = finish(brought()), finish(brought("The office opens at ten."))
    assert text_of(first) == "hr.txt: version 1, replaced by version 2"
    assert text_of(second).startswith("hr.txt: version 2, replaces version 1; 1 passage")


def test_it_says_that_nothing_changed() -> None:
    lines = text_of(finish(brought()), brought=False).splitlines()
    assert lines[1:] == [wording.FILE_UNCHANGED]


def test_it_says_why_a_file_was_not_read() -> None:
    version = finish(ingestion.add_document(space_for(HERE), "hr.pdf", b"%PDF-1.7 broken").version)
    assert text_of(version) == f"hr.pdf was not added. {version.reason.rstrip('.')}."
    assert not (card_of(item_of(version)).closing or pytest.fail()).buttons


def test_it_says_that_the_file_is_removed() -> None:
    version = finish(brought())
    remove_document(version.document)
    assert text_of(version) == "hr.txt is removed, with its text and the answers that used it."


def test_it_says_that_a_version_was_taken_back() -> None:
    finish(brought())
    second = finish(brought("The office opens at ten."))
    remove_version(second)
    assert text_of(second) == "hr.txt: version 2 is removed."


def test_it_says_what_could_not_be_read() -> None:
    version = finish(brought())
    DocumentVersion.objects.update(notice="Tesseract is not installed.")
    closing = card_of(item_of(version)).closing
    assert closing is not None and closing.notice == "Tesseract is not installed."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hr_policies 2026.pdf", "hr_policies 2026.pdf"),
        ("Übersicht (neu).docx", "Übersicht (neu).docx"),
        ("a\n b.txt", "a b.txt"),
        ("_a_.txt", "`_a_.txt`"),
        ("`x`.txt", "`'x'.txt`"),
        ("<@U1>.txt", "`<@U1>.txt`"),
        ("\u202efdp.txt", "fdp.txt"),
        ("hr\u202efdp.exe", "hrfdp.exe"),
        ("in\u200bvoice\ufeff\u2066.pdf\u3164", "invoice.pdf"),
        ("\u200b", "the file"),
        ("", "the file"),
    ],
)
def test_a_name_means_nothing_but_itself(name: str, text: str) -> None:
    assert shown(name) == text


def test_the_reason_does_not_name_the_file_again() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le")
    with pytest.raises(FileRefused) as refused:
        ingestion.add_document(space_for(HERE), "**a**.doc", data)
    told = failed("**a**.doc", str(refused.value)).text
    assert told == (
        "`**a**.doc` was not added. Askwell can't read this format of file: save it as DOCX."
    )


def test_a_long_name_keeps_its_ending() -> None:
    assert len(shown("x" * 500 + ".pdf")) == 100
    assert shown("x" * 500 + ".pdf").endswith("xxx.pdf")


# When it is told anew


def test_a_card_is_told_anew_when_its_file_is_read() -> None:
    item, follower = item_of(brought()), Following()
    assert follower.due() == set()
    finish(DocumentVersion.objects.get())
    assert follower.due() == {item.pk}
    told(item)
    assert follower.due() == set()


def test_pages_are_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    version = brought()
    item, alone, follower = item_of(version), item_of(version, private=True), Following()
    reading(version, pages=12, pages_done=1)
    assert follower.due() == {item.pk}  # what one person sees is not edited for that
    told(item)
    reading(version, pages_done=2)
    assert follower.due() == set()
    monkeypatch.setattr(following, "PROGRESS", 0.0)
    monkeypatch.setattr(following, "PROGRESS_EACH", 0.0)
    assert follower.due() == {item.pk}
    assert alone.settled


def test_a_card_is_told_anew_when_something_else_becomes_of_its_document() -> None:
    first, second = finish(brought()), finish(brought("Ten.", "channel:slack/T1/C2"))
    items = [item_of(first), item_of(second)]
    for item in items:
        told(item)
    follower = Following()
    assert follower.due() == set()
    remove_document(second.document)
    assert follower.due() == {items[1].pk}
    told(items[1])
    finish(brought("The office opens at eleven."))
    assert follower.due() == {items[0].pk}


def test_what_changes_while_a_card_is_being_told_is_told_after_it() -> None:
    version = finish(brought())
    item, follower = item_of(version), Following()
    told(item)
    assert follower.due() == set()
    InboxItem.objects.update(settled=False)  # somebody tells it
    remove_document(version.document)
    follower.due()
    InboxItem.objects.update(settled=True)  # as it was before
    assert follower.due() == {item.pk}


def test_what_became_of_a_document_while_no_bot_ran_is_told_by_the_next() -> None:
    version = finish(brought())
    item = item_of(version)
    told(item)
    remove_document(version.document)
    assert Following().due() == {item.pk}


def test_one_look_takes_as_many_queries_for_fifty_files_as_for_one(
    django_assert_max_num_queries: Any,
) -> None:
    follower = Following()
    for number in range(50):
        item_of(brought(f"Text number {number}.", f"channel:slack/T1/C{number}"))
    follower.due()
    with django_assert_max_num_queries(8):
        follower.due()


def test_what_changed_while_the_platform_was_away_is_told_when_it_is_back() -> None:
    version = finish(brought())
    item, follower = item_of(version), Following()
    told(item)
    assert follower.due() == set()
    follower.due([])
    remove_document(version.document)
    assert follower.due([]) == set()
    assert follower.due() == {item.pk}


def test_every_look_and_every_query_is_about_so_many_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 3)
    versions = [finish(brought(f"Text {n}.", f"channel:slack/T1/C{n}")) for n in range(7)]
    items = [item_of(version) for version in versions]
    for item in items:
        told(item)
    for version in versions:
        remove_document(version.document)
    follower, late = Following(), [item.pk for item in items]
    with CaptureQueriesContext(connection) as made:
        assert [follower.due() for _ in range(3)] == [set(late[4:]), set(late[1:]), set(late)]
    lists = re.findall(r" IN \(([^()]*)\)", " ".join(query["sql"] for query in made))
    assert max(len(one.split(",")) for one in lists) == 3


def test_all_cards_of_changed_spaces_are_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "BATCH", 3)
    versions = [finish(brought(f"Text {n}.", f"channel:slack/T1/C{n}")) for n in range(7)]
    items, follower = [item_of(version) for version in versions], Following()
    for item in items:
        told(item)
    assert [follower.due() for _ in range(4)] == [set()] * 4
    for version in versions:
        remove_document(version.document)
    assert follower.due() == {item.pk for item in items}


def names(rows: Mapping[int, str]) -> set[str]:
    return set(rows.values())


def test_spaces_are_told_apart(team: Space) -> None:
    versions = [finish(brought(space=key)).pk for key in (HERE, team.key)]
    assert len(names(marks(versions))) == 2
