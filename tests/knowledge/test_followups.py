"""A follow-up is searched for together with what it leans on."""

import pytest

from knowledge.followups import follows_up, standalone

LEAVE = "How many days of parental leave do employees get?"


@pytest.mark.parametrize(
    "question",
    ["and for contractors?", "What about Berlin?", "How long is it?", "Why?", "But when"],
)
def test_a_follow_up_takes_the_question_that_stands_alone_along(question: str) -> None:
    assert follows_up(question)
    assert standalone(question, ["Where is the office in Hamburg?", LEAVE]) == f"{LEAVE} {question}"


def test_follow_ups_in_a_row_go_back_to_the_last_that_stands_alone() -> None:
    asked = ["Where is the office in Hamburg?", LEAVE, "and for contractors?"]
    assert standalone("and in Spain?", asked) == f"{LEAVE} and for contractors? and in Spain?"


def test_a_question_that_stands_alone_is_left_as_it_is() -> None:
    assert not follows_up(LEAVE)
    assert standalone(LEAVE, ["Where is the office in Hamburg?"]) == LEAVE


@pytest.mark.parametrize(
    "question", ["Andrea leads which project team?", "Soap dispensers broken?"]
)
def test_a_word_that_only_begins_like_one_is_none(question: str) -> None:
    assert not follows_up(question)


def test_the_first_question_is_never_changed() -> None:
    assert standalone("and for contractors?", []) == "and for contractors?"
