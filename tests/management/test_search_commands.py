"""The commands `search` and `ask`."""

import json
from pathlib import Path

import pytest

from backend.accounts.models import User
from knowledge.models import Space
from tests.conftest import AddText
from tests.management.commands import HR, IT, failure, run, run_json


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
