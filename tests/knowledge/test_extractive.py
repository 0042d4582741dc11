"""Without a model the best sentences are quoted, with citations of their passages."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from knowledge.citations import CheckedStream
from knowledge.errors import NoAnswer
from knowledge.passages import Passage
from knowledge.prompts import Prompt
from knowledge.providers.extractive import OPENING, Extractive

PASSAGE = Passage(1, "d", "hr.md", 1, 1, 1, None, "", 0, 5, "Leave is 25 days.", 0.5)


async def answer(question: str, texts: Sequence[str]) -> str:
    passages = [replace(PASSAGE, text=text) for text in texts]
    return "".join([piece async for piece in Extractive().stream(Prompt(question, passages))])


async def test_the_sentence_that_fits_is_quoted_and_cited() -> None:
    text = await answer("When does the office open?", ["Leave is long.", "The office opens at 9."])
    assert text == f"{OPENING}\n\n> The office opens at 9. [2]"


async def test_without_passages_there_is_no_answer() -> None:
    with pytest.raises(NoAnswer):
        await answer("When?", [])


async def test_passages_in_other_words_are_still_quoted() -> None:
    text = await answer("How much vacation?", ["Employees get 25 days off.", "Ask your lead."])
    assert "> Employees get 25 days off. [1]" in text


async def test_numbers_in_a_passage_are_no_citations() -> None:
    text = await answer("When does the office open?", ["The office opens [2] at 9 [1, 2]. ", "No."])
    assert re.findall(r"\[[\d, ]+\]", text) == ["[1]"]


async def test_what_it_says_passes_the_check_of_citations_and_links_as_it_is() -> None:
    texts = ["The office opens at 9, see https://wiki.example.org/office.", "Leave is long."]
    text = await answer("When does the office open?", texts)
    stream = CheckedStream(texts)
    assert stream.feed(text) + stream.finish() == text
