"""What is suggested to somebody who has not asked yet."""

from pathlib import Path

import pytest
from django.conf import settings as configured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from knowledge import suggestions as module
from knowledge.ingestion import add_document
from knowledge.links import find_links
from knowledge.models import EmbeddingModel, Space, Store
from knowledge.removal import purge_removed, remove_document
from knowledge.retrieval import Retrieved, retrieve
from knowledge.suggestions import LONGEST, TRIED, suggestions
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)

HR = """# HR policies

These are the rules for everyone in Tilburg.

## Parental leave

Every employee gets sixteen weeks of parental leave, and it is paid in full.

## Sick leave

Tell your manager by half past nine. A doctor's note is needed from the sixth day of sick leave.
"""
IT = "LAPTOPS AND PHONES\n\nLaptops and phones are replaced every four years by the service desk.\n"
RULES = "Parental leave is paid in full, sick leave for four weeks. These are all HR policies."
SAMPLES = Path(__file__).parents[2] / "documents"


def about(topic: str) -> str:
    return f"What can you tell me about {topic}?"


def heading(words: str, text: str = "The otter sleeps on its back in the river.") -> str:
    return f"# Animals\n\nAll about them.\n\n## {words}\n\n{text}\n"


def test_headings_become_questions_and_the_documents_title_comes_last(
    add_text: AddText, team: Space
) -> None:
    add_text(HR, "hr.md")
    assert suggestions([team]) == [
        about(t) for t in ("parental leave (hr)", "sick leave (hr)", "HR policies (hr)")
    ]


def test_each_document_comes_once_before_any_comes_again_and_the_newest_first(
    add_text: AddText, team: Space
) -> None:
    add_text(HR, "hr.md")
    add_text(IT, "it.txt")
    assert suggestions([team], 3) == [
        about("laptops and phones (it)"),
        about("parental leave (hr)"),
        about("sick leave (hr)"),
    ]


def test_a_new_version_makes_a_document_the_newest(add_text: AddText, team: Space) -> None:
    add_text(HR, "hr.md")
    add_text(IT, "it.txt")
    add_text(HR.replace("Sick leave", "Illness and absence"), "hr.md")
    assert suggestions([team], 1) == [about("parental leave (hr)")]
    assert about("sick leave (hr)") not in suggestions([team])


def test_a_document_without_headings_gives_its_name(add_text: AddText, team: Space) -> None:
    add_text("Visitors sign in at the front desk and get a badge.", "visitor_badges.txt")
    assert suggestions([team]) == [about("visitor badges")]


def test_a_heading_that_is_a_question_is_asked_as_it_stands(add_text: AddText, team: Space) -> None:
    add_text(heading("Where do otters sleep?"), "animals.md")
    assert suggestions([team], 1) == ["Where do otters sleep?"]


def test_a_heading_names_its_document(add_text: AddText, team: Space) -> None:
    add_text(heading("Otters"), "river_animals.md")
    assert suggestions([team], 1) == [about("otters (river animals)")]


@pytest.mark.parametrize(
    ("written", "text", "asked"),
    [
        ("THE OTTERS OF TILBURG", "Many otters live in Tilburg.", "the otters of Tilburg"),
        ("Tilburg and its otters", "Many otters live in Tilburg.", "Tilburg and its otters"),
        ("API tokens for otters", "An otter needs a token.", "API tokens for otters"),
        ("3.2 Feeding the otters", "Otters eat fish.", "feeding the otters"),
        ("2. Feeding the otters", "Otters eat fish.", "feeding the otters"),
        ("2024 otter census", "The 2024 otter census found nine.", "2024 otter census"),
    ],
)
def test_a_heading_reads_as_part_of_a_sentence(
    add_text: AddText, team: Space, written: str, text: str, asked: str
) -> None:
    add_text(heading(written, text), "animals.md")
    assert suggestions([team], 1) == [about(f"{asked} (animals)")]


@pytest.mark.parametrize(
    "words",
    [
        "Otters at https://evil.example/x",
        "Otters at evil.com",
        "Otters at evil\u200b.c\u200bom",
        "Otters at ｅｖｉｌ.ｃｏｍ",
        "Otters at [the river](https://evil.example)",
        "Otters and **weasels**",
        "Otters and `weasels`",
        "Otters and <!channel>",
        "Otters and <@U00000001>",
        "Otters and weasels :tada:",
        "Otters and @everyone",
        "Otters and \U0001f9a6 weasels",
        "Otters and weasels, " * 8,
        "Hello there?",
        "!!!",
    ],
)
def test_a_heading_with_links_or_markup_or_too_many_words_is_not_suggested(
    add_text: AddText, team: Space, words: str
) -> None:
    add_text(heading(words), "animals.md")
    assert suggestions([team]) == [about("animals")]


@given(
    st.text(st.sampled_from("otTER 9.-'?<>&@#*_`~[]{}|\\:;\n\t\u200b\u202e\U0001f9a6"), max_size=60)
)
def test_whatever_a_heading_says_the_question_is_short_and_plain(words: str) -> None:
    topic = module._topic(words, set(), "river animals")
    assert not set(topic) & set("<>&@#*_`~[]{}|\\:;\n\t\u200b\u202e")
    assert not find_links(topic)


def test_only_the_given_spaces_are_drawn_on(
    add_text: AddText, team: Space, personal: Space
) -> None:
    add_text(HR, "hr.md", personal)
    add_text(RULES, "rules.txt")  # answers what the other document's headings lead to
    assert suggestions([team]) == [about("rules")]
    assert about("rules") not in suggestions([personal])
    assert about("parental leave (hr)") in suggestions([personal])
    assert len(suggestions([team, personal])) == 4


def test_a_removed_document_is_not_suggested(add_text: AddText, team: Space) -> None:
    removed = add_text(HR, "hr.md").document
    add_text(RULES, "rules.txt")
    remove_document(removed)
    assert suggestions([team]) == [about("rules")]
    purge_removed()
    assert suggestions([team]) == [about("rules")]


def test_a_document_that_is_still_being_read_is_not_suggested(
    add_text: AddText, team: Space
) -> None:
    add_text(RULES, "rules.txt")
    add_document(team, "parental leave.md", HR.encode())
    assert suggestions([team]) == [about("rules")]


def test_there_is_nothing_to_suggest_without_documents_or_spaces(
    add_text: AddText, team: Space, personal: Space
) -> None:
    assert suggestions([team]) == []
    add_text(HR, "hr.md", personal)
    assert suggestions([team]) == []
    assert suggestions([]) == []
    assert suggestions([personal], 0) == []


def test_a_heading_with_nothing_under_it_is_not_suggested(add_text: AddText, team: Space) -> None:
    add_text("## Submarine maintenance\n\n## Ship repairs\n\nMonthly, in the dock.\n", "a.md")
    assert suggestions([team]) == [about("ship repairs (a)")]


def test_what_the_documents_do_not_answer_is_not_suggested(
    add_text: AddText, team: Space, settings: Settings
) -> None:
    add_text(HR, "hr.md")
    settings.SIMILARITY_THRESHOLD = 1.0
    assert suggestions([team]) == []


def test_every_suggestion_drawn_from_the_samples_can_be_answered(
    add_text: AddText, team: Space
) -> None:
    for path in SAMPLES.glob("[bc]*.*"):
        add_text(path.read_text(), path.name)
    suggested = suggestions([team], TRIED)
    assert len(set(suggested)) == len(suggested) >= TRIED - 2
    for question in suggested:
        assert len(question) <= LONGEST
        assert retrieve(question, [team], configured.TOP_K).sufficient


def test_a_bounded_number_of_questions_is_tried(
    add_text: AddText, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    for animal in ("Otter", "Badger"):
        parts = [f"## {animal} number {n}\n\nIt sleeps.\n" for n in range(TRIED + 5)]
        add_text("\n".join(parts), f"{animal}.md")
    tried: list[str] = []

    def nothing_suffices(query: str, *_: object) -> Retrieved:
        tried.append(query)
        return Retrieved([], sufficient=False, terms_only=False)

    monkeypatch.setattr(module, "retrieve", nothing_suffices)
    assert suggestions([team]) == []
    assert len(tried) == TRIED


def test_an_embedding_model_that_is_away_is_waited_for_once(
    add_text: AddText, team: Space, caplog: pytest.LogCaptureFixture
) -> None:
    add_text(HR, "hr.md")
    gone = EmbeddingModel.objects.create(provider="openai", name="gone", dimensions=384)
    Store.objects.update(embedding_model=gone)
    assert suggestions([team]) == [about("parental leave (hr)")]
    assert len([record for record in caplog.records if "words only" in record.message]) == 1
