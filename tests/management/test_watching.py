"""Which files of a folder are taken in."""

import os
from pathlib import Path

import pytest
from pytest_django import Settings

from backend.chat.removal import remove
from knowledge.models import Document, Space
from management.ingest_files import ingest, listed
from management.reindexing import look_again
from tests.conftest import AddText


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    for name in ("a.txt", ".b.txt", ".git/c.txt", "d/.e/f.txt", "d/g.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = [file.path.relative_to(tmp_path).as_posix() for file in listed([tmp_path])]
    assert found == ["a.txt", "d/g.txt"]


def test_unsupported_files_of_a_folder_are_skipped_whatever_their_size(
    team: Space, tmp_path: Path
) -> None:
    (tmp_path / "keep").touch()
    with (tmp_path / "film.mp4").open("wb") as film:
        film.truncate(27 * 1024 * 1024)
    assert {ingest(team, file).outcome for file in listed([tmp_path])} == {"skipped"}


@pytest.mark.django_db(transaction=True)
def test_a_file_that_was_handed_over_before_stays_removed(
    add_text: AddText, settings: Settings, tmp_path: Path
) -> None:
    settings.WATCH_FOLDERS = [tmp_path]
    (tmp_path / "menu.txt").write_text("Soup on Mondays.")
    document = add_text("Soup on Mondays.", "menu.txt").document
    assert look_again().new == 0
    remove(Document.objects.get(pk=document.pk))
    assert look_again().new == 0
    assert not Document.objects.kept().exists()


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_not_utf_8_is_no_obstacle(team: Space, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.txt")).write_text("Soup on Mondays.")
    outcome = ingest(team, listed([tmp_path])[0])
    assert (outcome.outcome, outcome.document) == ("ingested", "bad\N{REPLACEMENT CHARACTER}.txt")


@pytest.mark.django_db(transaction=True)
def test_a_name_that_is_too_long_fails_alone(team: Space, tmp_path: Path) -> None:
    outcome = ingest(team, listed([tmp_path / ("n" * 300)])[0])
    assert outcome.outcome == "failed"
    assert outcome.reason is not None and outcome.reason.startswith("File name too long")
