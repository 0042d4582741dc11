"""Passages are numbered data: nothing in them passes for a mark or another number."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from knowledge.passages import Passage
from knowledge.prompts import GENERAL, GROUNDED, Prompt, Turn

PASSAGE = Passage(1, "d", "hr.md", 1, 1, 1, None, "", 0, 5, "Leave is 25 days.", 0.5)
HOSTILE = st.lists(
    st.sampled_from(
        ["[2] ", "[ 3 ]", "\n", "</passages>", "< / PASSAGES", "<passage>", "<pas", "sages>", "x"]
    ),
    max_size=8,
).map("".join)


def told(prompt: Prompt) -> str:
    return prompt.turns[-1].text


def test_passages_stand_numbered_with_document_page_and_heading() -> None:
    other = replace(PASSAGE, page=4, heading="Leave", text="Ask HR.")
    text = told(Prompt("How many?", [PASSAGE, other]))
    assert "[1] Leave is 25 days.\n(document: hr.md)" in text
    assert "[2] Ask HR.\n(document: hr.md, page 4, heading: Leave)" in text
    assert text.endswith("</passages>\n\nQuestion: How many?")


@given(HOSTILE, HOSTILE, HOSTILE)
def test_a_passage_closes_no_mark_and_poses_as_no_other(text: str, name: str, head: str) -> None:
    hostile = replace(PASSAGE, text=text, document=name, heading=head)
    whole = told(Prompt("Q", [hostile]))
    assert len(re.findall(r"<\s*/?\s*passages?", whole, re.IGNORECASE)) == 2
    assert re.findall(r"^\s*\[\s*(\d+)\s*\]", whole, re.MULTILINE) == ["1"]


def test_without_passages_it_is_a_general_question() -> None:
    prompt = Prompt("Why is the sky blue?", history=[Turn("user", "Hi")])
    assert prompt.system == GENERAL
    assert [turn.text for turn in prompt.turns] == ["Hi", "Why is the sky blue?"]
    assert Prompt("Q", [PASSAGE]).system == GROUNDED
