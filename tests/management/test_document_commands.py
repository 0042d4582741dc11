"""The commands that add, list, remove, rebuild and embed again."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backend.accounts.models import User
from knowledge.embedding import embedder
from knowledge.models import Document, Space
from knowledge.reembedding import reembed_step
from management.diagnosis import diagnose
from tests.conftest import AddText
from tests.management.commands import HR, IT, failure, run, run_json
from tests.simulators.gemini import GeminiSimulator


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "hr.txt").write_text(HR)
    (tmp_path / "sub" / "it.md").write_text(IT)
    (tmp_path / "tune.mp3").write_bytes(b"cells")
    return tmp_path


def outcomes(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {Path(row["path"]).name: row["outcome"] for row in rows}


def test_ingest_tells_of_each_file(team: Space, files: Path) -> None:
    rows = run_json("ingest", str(files))

    assert outcomes(rows) == {"hr.txt": "ingested", "it.md": "ingested", "tune.mp3": "skipped"}
    for row in rows:
        assert list(row) == ["path", "document", "id", "outcome", "reason"]
        assert (row["reason"] is None) == (row["outcome"] == "ingested")
        assert (row["id"] is None) == (row["outcome"] == "skipped")
    assert Document.objects.get(pk=rows[0]["id"]).name == rows[0]["document"] == "hr.txt"

    (files / "hr.txt").write_text(HR + " Ask the people team.")
    again = outcomes(run_json("ingest", str(files)))
    assert again == {"hr.txt": "replaced", "it.md": "unchanged", "tune.mp3": "skipped"}


def test_ingest_names_a_folder_that_cannot_be_read(
    team: Space, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as root, whom no permission stops: the folder fails as it would fail."""
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 3 could not be added"):
        call_command("ingest", str(files), stdout=out)
    assert f"failed     {files}/sub: Permission denied: {files}/sub" in out.getvalue()
    assert "ingested" in out.getvalue() and "skipped" in out.getvalue()


def test_ingest_writes_one_line_a_file(team: Space, files: Path) -> None:
    lines = run("ingest", str(files)).splitlines()

    assert len(lines) == 3
    assert lines[0].split() == ["ingested", str(files / "hr.txt")]
    assert lines[2].startswith("skipped") and "can't read this type" in lines[2]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("tune.mp3", b"cells", "can't read this type"),
        ("empty.txt", b"", "empty"),
        ("broken.pdf", b"%PDF-1.4 no", "damaged"),
        ("missing.txt", None, "No such file"),
    ],
)
def test_ingest_of_a_file_that_fails_ends_with_an_error(
    team: Space, files: Path, name: str, data: bytes | None, reason: str
) -> None:
    path = files / name
    if data is not None:
        path.write_bytes(data)
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 2 could not be added"):
        call_command("ingest", str(path), str(files / "hr.txt"), "--json", stdout=out)

    failed, added = json.loads(out.getvalue())
    assert failed["outcome"] == "failed" and reason in failed["reason"]
    assert added["outcome"] == "ingested"


def test_ingest_chooses_the_space(team: Space, member: User, files: Path) -> None:
    run("ingest", str(files / "hr.txt"), "--space", "personal:Member@example.org")
    run("ingest", str(files / "hr.txt"), "--space", "channel:slack/T1/C1")

    spaces = {row["space"] for row in run_json("documents")}
    assert spaces == {"personal:member@example.org", "channel:slack/T1/C1"}


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("personal:nobody@example.org", "No user has the address"),
        ("channel:irc/T1/C1", "names no space"),
        ("channel:slack/T1", "names no space"),
        ("personal:", "names no space"),
        ("elsewhere", "names no space"),
    ],
)
def test_ingest_into_no_space_adds_nothing(
    team: Space, files: Path, space: str, message: str
) -> None:
    assert message in failure("ingest", str(files), "--space", space)
    assert not Document.objects.exists()


def test_documents_lists_what_there_is(team: Space, add_text: AddText) -> None:
    assert run_json("documents") == []
    assert "There are no documents" in run("documents")
    version = add_text(HR, name="hr.txt")

    assert run_json("documents") == [
        {
            "id": str(version.document_id),
            "document": "hr.txt",
            "space": "team",
            "status": "ready",
            "version": 1,
            "passages": 1,
        }
    ]
    assert "hr.txt" in run("documents")


def test_remove_takes_an_id_or_a_name(team: Space, add_text: AddText) -> None:
    first, second = add_text(HR, name="hr.txt"), add_text(IT, name="it.txt")

    assert run("remove", "hr.txt") == "Removed hr.txt.\n"
    assert run("remove", str(second.document_id)) == "Removed it.txt.\n"
    assert run_json("documents") == []
    assert "There is no document hr.txt" in failure("remove", "hr.txt")
    assert "There is no document" in failure("remove", str(first.document_id))


def test_remove_of_a_name_that_fits_several_lists_their_ids(
    team: Space, personal: Space, add_text: AddText
) -> None:
    both = [add_text(HR, name="a.txt"), add_text(IT, name="a.txt", space=personal)]

    message = failure("remove", "a.txt")

    assert all(str(version.document_id) in message for version in both)
    assert Document.objects.kept().count() == 2


def test_rebuild_tells_what_it_did(team: Space, add_text: AddText) -> None:
    add_text(HR, name="hr.txt")

    assert "Rebuilt 1 documents: 1 passages, 0 embedded anew." in run("rebuild_vectorstore")
    stats = run("rebuild_vectorstore", "--chunk-size", "60", "--chunk-overlap", "0", "--show-stats")
    assert "2 embedded anew" in stats and "60 and 0 characters" in stats
    assert "2 of 2 found their passage" in stats
    assert "can't be used" in failure("rebuild_vectorstore", "--chunk-size", "1")


@pytest.mark.django_db(transaction=True)
def test_reembed_begins_tells_and_takes_back(
    team: Space, add_text: AddText, gemini: GeminiSimulator, settings: Settings
) -> None:
    settings.EMBEDDINGS = "local"
    add_text(HR, name="hr.txt")
    assert "embedded with this model already: local/" in run("reembed", "--to", "local")
    assert "provider is not configured" in failure("reembed", "--to", "openai")
    assert "invalid choice" in failure("reembed", "--to", "elsewhere")
    assert "is required" in failure("reembed")
    assert "no change of the embedding model" in failure("reembed", "--rollback")

    told = run("reembed", "--to", "gemini")
    assert "Changing to gemini/gemini-embedding-001: 0 of 1 passages" in told
    assert "team:home: 0 of 1" in told
    embeddings = run_json("check_ai_status")["embeddings"]
    assert (embeddings["done"], embeddings["total"]) == (0, 1)
    assert embeddings["changing_to"] == "gemini/gemini-embedding-001"
    assert "the embedding model is changing to gemini" in "".join(
        finding.what for finding in diagnose()
    )

    reembed_step()
    assert run_json("check_ai_status")["embeddings"] == {
        "model": "gemini/gemini-embedding-001",
        "changing_to": None,
        "done": None,
        "total": None,
    }
    assert "Changing to local/all-MiniLM-L6-v2: 1 of 1" in run("reembed", "--rollback")


@pytest.mark.parametrize("altered", [False, True])
def test_a_missing_or_altered_local_model_is_a_clear_message(
    team: Space, settings: Settings, tmp_path: Path, files: Path, altered: bool
) -> None:
    if altered:
        (tmp_path / "model").mkdir()
        for source in Path(settings.LOCAL_MODEL_DIR).iterdir():
            (tmp_path / "model" / source.name).symlink_to(source)
        (tmp_path / "model" / "tokenizer.json").unlink()
        (tmp_path / "model" / "tokenizer.json").write_text("{}")
    settings.LOCAL_MODEL_DIR = tmp_path / "model"
    embedder.cache_clear()
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 1 could not be added"):
        call_command("ingest", str(files / "hr.txt"), "--json", stdout=out)

    [row] = json.loads(out.getvalue())
    assert row["outcome"] == "failed" and "run `make setup`" in row["reason"]
