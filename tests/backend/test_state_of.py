"""How it stands with a version that somebody waits for."""

from pathlib import Path

import pytest
from pytest_django import DjangoAssertNumQueries

from backend import db
from backend.chat.removal import remove
from backend.ingesting import LEASE, finish
from backend.library.reading import Reading, state_of
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space

pytestmark = pytest.mark.django_db

TEXT = b"The ferry to Berlenga leaves at ten."


def waiting(space: Space, data: bytes = TEXT) -> DocumentVersion:
    return add_document(space, "ferry.txt", data).version


def test_a_version_waits_is_read_and_is_ready(team: Space) -> None:
    version = waiting(team)
    first = state_of(version.pk)
    assert (first.name, first.status, first.passages) == ("ferry.txt", "waiting", 0)
    assert (first.space_key, first.document_id) == (team.key, version.document_id)
    claimed = db.claim_row(DocumentVersion.objects.filter(pk=version.pk), LEASE)
    assert claimed is not None
    assert state_of(version.pk).status == "reading"
    db.release(claimed, "", LEASE * 0)
    finish(version)
    ready = state_of(version.pk)
    assert (ready.status, ready.passages, ready.done, ready.total) == ("ready", 1, 1, 1)
    assert (ready.number, ready.replaces, ready.replaced_by) == (1, None, None)


def test_a_failed_one_says_why(team: Space) -> None:
    version = waiting(team)
    Path(version.original.path).write_bytes(b" ")
    finish(version)
    state = state_of(version.pk)
    assert state.status == "failed"
    assert "no text" in state.reason


def test_a_later_version_tells_what_it_replaces_and_the_earlier_what_replaced_it(
    team: Space,
) -> None:
    first = finish(waiting(team))
    failed = waiting(team, TEXT + b" Or eleven.")
    Path(failed.original.path).write_bytes(b" ")
    assert finish(failed).state == "failed"
    third = waiting(team, TEXT + b" Or twelve.")
    assert state_of(first.pk).replaced_by is None
    finish(third)
    assert (state_of(third.pk).number, state_of(third.pk).replaces) == (3, 1)
    earlier = state_of(first.pk)
    assert (earlier.status, earlier.replaced_by, earlier.passages) == ("ready", 3, 1)


def test_pages_that_are_read_and_what_was_left_out_are_told(team: Space) -> None:
    version = waiting(team)
    DocumentVersion.objects.update(pages=12, pages_done=3, notice="One page holds no text.")
    state = state_of(version.pk)
    assert (state.pages, state.pages_done) == (12, 3)
    assert state.notice == "One page holds no text."


def test_of_a_removed_document_that_is_all(team: Space) -> None:
    version = finish(waiting(team))
    remove(version.document)
    assert state_of(version.pk).status == "removed"
    assert state_of(version.pk + 1) == Reading("", "removed")


def test_asking_costs_one_query(
    team: Space, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    version = finish(waiting(team))
    with django_assert_num_queries(1):
        state_of(version.pk)
