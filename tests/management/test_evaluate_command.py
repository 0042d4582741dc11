"""The command `evaluate`: figures from a store of its own."""

import json
from pathlib import Path

import pytest
from django.conf import settings as configured

from knowledge.models import Space
from tests.conftest import AddText
from tests.management.commands import HR, IT, failure, run, run_json


@pytest.mark.django_db(transaction=True)
def test_evaluate_names_what_it_can_not_read(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text("not json")

    assert "line 1" in failure("evaluate", str(tmp_path))


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
