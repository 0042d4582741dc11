"""The commands: what they print, where, and how they end (DESIGN section 7)."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from pytest_django import Settings

from backend.accounts.models import Identity, Membership, Role, Standing, User
from backend.accounts.people import installation_of
from backend.accounts.spaces import home
from knowledge.embedding import embedder
from knowledge.models import Document, DocumentVersion, Space
from knowledge.reembedding import reembed_step
from management.diagnosis import diagnose
from tests.conftest import AddText
from tests.simulators.gemini import GeminiSimulator

HR = "Employees get sixteen weeks of parental leave. It is paid in full."
IT = "Laptops are replaced every four years by the service desk."


def run(*arguments: str) -> str:
    """What the command writes to standard output."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def failure(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)


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


def test_search_ranks_passages(team: Space, add_text: AddText) -> None:
    add_text(HR, name="hr.txt")
    add_text(IT, name="it.txt")

    found = run_json("search", "parental leave", "-k", "2")

    assert list(found) == ["query", "results"] and found["query"] == "parental leave"
    assert [row["document"] for row in found["results"]] == ["hr.txt", "it.txt"]
    assert list(found["results"][0]) == ["document", "page", "score", "text"]
    assert found["results"][0]["text"] == HR and found["results"][0]["page"] is None
    assert found["results"][0]["score"] > found["results"][1]["score"]
    assert len(run_json("search", "parental leave", "-k", "1")["results"]) == 1
    assert "hr.txt" in run("search", "parental leave")


def test_search_of_an_empty_store_finds_nothing(team: Space) -> None:
    assert run_json("search", "anything")["results"] == []
    assert "Nothing was found" in run("search", "anything")


def test_search_as_a_person_includes_what_is_theirs(
    team: Space, personal: Space, member: User, add_text: AddText
) -> None:
    add_text(HR, name="mine.txt", space=personal)

    assert run_json("search", "leave")["results"] == []
    found = run_json("search", "leave", "--as", "member@example.org")["results"]
    assert [row["document"] for row in found] == ["mine.txt"]


def test_search_with_a_file_of_queries_prints_a_line_for_each(
    team: Space, add_text: AddText, tmp_path: Path
) -> None:
    add_text(HR, name="hr.txt")
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "q1", "text": "leave"}\n\n{"id": "q2", "text": "laptops"}\n')

    lines = [json.loads(line) for line in run("search", "--queries", str(queries)).splitlines()]

    assert [line["id"] for line in lines] == ["q1", "q2"]
    assert list(lines[0]) == ["id", "results"]
    assert lines[0]["results"][0]["document"] == "hr.txt"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json\n", "line 1"),
        ('{"id": "a", "text": "b"}\n{"id": "a"}\n', "line 2"),
        ("[]\n", "line 1"),
        ('{"id": "a", "text": 5}\n', "line 1"),
        ("\xff", "utf-8"),
        (None, "No such file"),
    ],
)
def test_a_bad_file_of_queries_is_named(
    team: Space, tmp_path: Path, content: str | None, message: str
) -> None:
    queries = tmp_path / "queries.jsonl"
    if content is not None:
        queries.write_bytes(content.encode("latin-1"))

    assert message in failure("search", "--queries", str(queries))


@pytest.mark.django_db(transaction=True)
def test_evaluate_names_what_it_can_not_read(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text("not json")

    assert "line 1" in failure("evaluate", str(tmp_path))


@pytest.mark.parametrize("arguments", [[], ["words", "--queries", "f"], ["words", "-k", "0"]])
def test_search_refuses_what_makes_no_sense(team: Space, arguments: list[str]) -> None:
    assert failure("search", *arguments)


@pytest.mark.parametrize("command", [["search", "leave"], ["ask", "leave"], ["role"]])
def test_an_unknown_e_mail_is_an_error(team: Space, command: list[str]) -> None:
    arguments = [*command, "--as", "nobody@example.org"]
    if command == ["role"]:
        arguments = ["role", "nobody@example.org", "admin"]

    assert "No user has the address nobody@example.org" in failure(*arguments)


@pytest.mark.django_db(transaction=True)
def test_ask_prints_one_answer(team: Space, add_text: AddText) -> None:
    version = add_text(HR, name="hr.txt")

    answer = run_json("ask", "How many weeks of parental leave do employees get?")

    assert {
        "session_id", "answer", "used_context", "refused", "provider", "category", "sources"
    } <= set(answer)  # fmt: skip
    assert (answer["provider"], answer["category"]) == ("extractive", "document")
    assert answer["used_context"] is True and answer["refused"] is False
    assert "sixteen weeks" in answer["answer"] and "[1]" in answer["answer"]
    assert answer["sources"][0] == {
        "asset_id": str(version.document_id),
        "document": "hr.txt",
        "page": None,
        "excerpt": HR,
    }


@pytest.mark.django_db(transaction=True)
def test_ask_refuses_what_is_not_in_the_documents(team: Space, add_text: AddText) -> None:
    add_text(HR, name="hr.txt")

    answer = run_json("ask", "What is the wifi password of our office in Lisbon?")

    assert answer["refused"] is True and answer["used_context"] is False
    assert answer["sources"] == []


@pytest.mark.django_db(transaction=True)
def test_ask_streams_the_answer_and_names_its_sources(team: Space, add_text: AddText) -> None:
    add_text(HR, name="hr.txt")

    out = run("ask", "How many weeks of parental leave do employees get?")

    assert "sixteen weeks" in out and "[1] hr.txt" in out


@pytest.mark.django_db(transaction=True)
def test_an_empty_question_is_an_error(team: Space) -> None:
    assert failure("ask", "  ")


def test_check_ai_status_tells_of_each_provider(db: None) -> None:
    report = run_json("check_ai_status")

    assert report["active"] == "extractive"
    assert list(report["providers"]) == ["gemini", "openai", "extractive"]
    for state in report["providers"].values():
        assert {
            "configured", "reachable", "chat_model", "embedding_model", "dimensions", "latency_ms"
        } <= set(state)  # fmt: skip
    assert report["providers"]["gemini"]["configured"] is False
    assert report["providers"]["extractive"]["dimensions"] == 384
    assert "extractive (active)" in run("check_ai_status")


def test_rebuild_tells_what_it_did(team: Space, add_text: AddText) -> None:
    add_text(HR, name="hr.txt")

    assert "Rebuilt 1 documents: 1 passages, 0 embedded anew." in run("rebuild_vectorstore")
    stats = run("rebuild_vectorstore", "--chunk-size", "60", "--chunk-overlap", "0", "--show-stats")
    assert "2 embedded anew" in stats and "60 and 0 characters" in stats
    assert "2 of 2 found their passage" in stats
    assert "can't be used" in failure("rebuild_vectorstore", "--chunk-size", "1")


def test_a_sign_in_link_makes_the_user(db: None) -> None:
    link = run("sign_in_link", "Eva@Example.org").strip()

    assert link.startswith("http://127.0.0.1:8000/sign-in/")
    assert Membership.objects.get().user == User.objects.get(email="eva@example.org")
    assert "is not an e-mail address" in failure("sign_in_link", "eva")


def test_role_makes_an_admin(member: User) -> None:
    assert run("role", "member@example.org", "admin") == "member@example.org is now admin.\n"
    assert Membership.objects.get(user=member, workspace=home()).role == Role.ADMIN
    assert "is no platform" in failure("role", "irc/U1", "admin")
    assert "Nobody is known as slack/U1" in failure("role", "slack/U1", "admin")


def test_role_says_so_where_the_last_admin_is_one_no_longer(admin: User, member: User) -> None:
    said = run("role", "admin@example.org", "member")
    assert said.endswith("home has no admin now.\n")
    assert "no admin" not in run("role", "member@example.org", "admin")


@pytest.mark.parametrize("standing", Standing.values)
def test_only_the_team_gets_roles(member: User, standing: str) -> None:
    Identity.objects.create(
        installation=installation_of("slack", "T1"),
        external_id="U1",
        user=member,
        standing=standing,
    )
    if standing == Standing.TEAM:
        assert run("role", "slack/U1", "admin") == "slack/U1 is now admin.\n"
    else:
        assert "is not one of the team" in failure("role", "slack/U1", "admin")


def test_doctor_notes_only_failures_that_still_stand(
    team: Space, add_text: AddText, settings: Settings
) -> None:
    add_text(HR, name="hr.txt")
    document = Document.objects.get()
    document.versions.update(number=2)
    DocumentVersion.objects.create(
        document=document, number=1, sha256="0" * 64, size=1, state="failed", reason="old trouble"
    )
    settings.DATA_DIR = Path(configured.MEDIA_ROOT).parent

    assert "old trouble" not in run("doctor")


def test_doctor_says_which_package_text_recognition_needs(
    team: Space, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.DATA_DIR = Path(configured.MEDIA_ROOT).parent
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "note" in (line := told_by_doctor("Tesseract")) and "tesseract-ocr" in line
    program = tmp_path / "tesseract"
    program.touch(0o755)
    assert told_by_doctor("Tesseract").startswith("ok")


def told_by_doctor(about: str) -> str:
    (line,) = [line for line in run("doctor").splitlines() if about in line]
    return line


def test_doctor_exits_with_an_error_where_something_would_fail(
    team: Space, settings: Settings, tmp_path: Path
) -> None:
    settings.LOCAL_MODEL_DIR = tmp_path

    with pytest.raises(SystemExit) as stop:
        run("doctor")
    assert stop.value.code == 1


def tiny_set(folder: Path) -> Path:
    (folder / "files").mkdir()
    (folder / "files" / "hr.txt").write_text(HR)
    (folder / "files" / "it.md").write_text(IT)
    (folder / "files" / "other.md").write_text("The canteen opens at noon.")
    (folder / "files" / "notes.xyz").write_text("not a document")
    rows = [
        {"id": "1", "text": "How much parental leave is there?", "relevant": ["hr.txt"],
         "answerable": True},
        {"id": "2", "text": "When are laptops replaced?", "relevant": ["it.md"],
         "answerable": True},
        {"id": "3", "text": "What does the Mars office cost?", "relevant": [],
         "answerable": False},
    ]  # fmt: skip
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


FIGURES = [
    "queries", "hit@1", "recall@5", "recall@10", "mrr@10", "ndcg@10",
    "refused_unanswerable", "answered_answerable",
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_evaluate_measures_in_a_store_of_its_own(
    team: Space, add_text: AddText, tmp_path: Path
) -> None:
    add_text(HR + " In the real store.", name="real.txt")
    search = run_json("search", "leave")
    before = (run_json("documents"), list(Space.objects.values()), _originals())

    figures = run_json("evaluate", str(tiny_set(tmp_path)))

    assert list(figures) == FIGURES
    assert figures == {
        "queries": 3, "hit@1": 1.0, "recall@5": 1.0, "recall@10": 1.0, "mrr@10": 1.0,
        "ndcg@10": 1.0, "refused_unanswerable": 1.0, "answered_answerable": 1.0,
    }  # fmt: skip
    assert (run_json("documents"), list(Space.objects.values()), _originals()) == before
    assert run_json("search", "leave") == search


def _originals() -> list[Path]:
    return sorted(Path(configured.MEDIA_ROOT).rglob("*"))


@pytest.mark.django_db(transaction=True)
def test_evaluate_reads_docs_jsonl(tmp_path: Path) -> None:
    docs = [
        {"id": "d1", "title": "Leave", "text": HR},
        {"id": "d2", "title": "Laptops", "text": IT},
        {"id": "d3", "title": "Laptops", "text": IT},
    ]
    (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, docs)))
    rows = [
        {"id": "1", "text": "parental leave", "relevant": ["d1"]},
        {"id": "2", "text": "laptops", "relevant": ["d2", "d3"]},
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))

    figures = run_json("evaluate", str(tmp_path))

    assert figures["hit@1"] == figures["recall@5"] == 1.0
    assert figures["refused_unanswerable"] is None


@pytest.mark.django_db(transaction=True)
def test_evaluate_ranks_pages_where_pages_are_named(tmp_path: Path) -> None:
    """And tells files of one name in two folders apart; figures that are unknown are a dash."""
    for folder, text in (("one", HR), ("two", "The canteen opens at noon.")):
        (tmp_path / "files" / folder).mkdir(parents=True)
        (tmp_path / "files" / folder / "same.txt").write_text(text)
    (tmp_path / "files" / "two.pdf").write_bytes(pdf(["Floors are swept", "Laptops are replaced"]))
    rows = [
        {"id": "1", "text": "laptops replaced", "relevant": ["two.pdf#page=2"]},
        {"id": "2", "text": "laptops replaced", "relevant": ["two.pdf#page=1"]},
        {"id": "3", "text": "parental leave", "relevant": ["same.txt"]},
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))

    lines = [line.split() for line in run("evaluate", str(tmp_path)).splitlines()]

    figures = dict(line for line in lines)
    assert (figures["hit@1"], figures["mrr@10"], figures["recall@5"]) == ("0.667", "0.833", "1.000")
    assert figures["refused_unanswerable"] == "-"


def pdf(pages: list[str]) -> bytes:
    """A PDF with a line of text on each page."""
    count = len(pages)
    kids = " ".join(f"{3 + 2 * number} 0 R" for number in range(count))
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {count}>>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET"
        bodies += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {4 + 2 * number} 0 R"
            "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
            f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        ]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(data))
        data += f"{number} 0 obj{body}endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}trailer"
    end += f"<</Root 1 0 R/Size {len(bodies) + 1}>>\nstartxref\n{len(data)}\n%%EOF"
    return data + end.encode()


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


# What only a process of its own can show.


def process(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=configured.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "DATA_DIR": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "many"), ("EMBEDDINGS", "mine"), ("CHUNK_SIZE", "7")]
)
def test_a_wrong_environment_value_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = process(tmp_path, "manage.py", "check", **{name: value})

    assert ended.returncode == 1 and ended.stdout == ""
    assert "Askwell can't start" in ended.stderr and name in ended.stderr
    assert "Traceback" not in ended.stderr


HEAVY = "faiss google.genai openai ctranslate2 tokenizers slack_bolt slack_sdk aiohttp"


@pytest.mark.parametrize(
    "code",
    [
        "import knowledge",
        "import manage; import sys; sys.argv[1:] = ['check']; manage.main()",
    ],
    ids=["import knowledge", "manage.py check"],
)
def test_starting_loads_no_heavy_library(tmp_path: Path, code: str) -> None:
    shown = f"import sys; print('loaded', [n for n in '{HEAVY}'.split() if n in sys.modules])"
    ended = process(tmp_path, "-c", f"{code}\n{shown}")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "loaded []"


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
