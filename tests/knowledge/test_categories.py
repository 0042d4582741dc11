"""The kind of a question is told from its words."""

import pytest

from knowledge.categories import Category, category_of, concerns_team, names_in


@pytest.mark.parametrize("text", ["Hi", "hello there!", "Thanks a lot.", "Who are you?", " help "])
def test_greetings(text: str) -> None:
    assert category_of(text, follows_up=False) is Category.GREETING


@pytest.mark.parametrize("text", ["", "?!", "what is it", "\x00"])
def test_without_a_word_to_search_for_it_asks_back(text: str) -> None:
    assert category_of(text, follows_up=False) is Category.CLARIFICATION


@pytest.mark.parametrize(
    "text",
    ["Hi, how many days of leave?", "parental leave", "有給休暇は何日ですか", "help desk hours"],
)
def test_everything_else_is_searched_for(text: str) -> None:
    assert category_of(text, follows_up=False) is Category.DOCUMENT


def test_a_follow_up_is_searched_for_whatever_its_words() -> None:
    assert category_of("and what about it?", follows_up=True) is Category.DOCUMENT


def test_names_are_capitalised_words_within_a_sentence() -> None:
    assert names_in("Who is Anna Berg? When did Acme start?") == ["Anna", "Berg", "Acme"]


@pytest.mark.parametrize(
    "text", ["What is our policy?", "Who are my colleagues?", "the company's?"]
)
def test_words_of_the_team_concern_it(text: str) -> None:
    assert concerns_team(text, known_names=False)


def test_the_world_concerns_the_team_only_where_its_documents_know_the_name() -> None:
    assert not concerns_team("What is the capital of France?", known_names=False)
    assert concerns_team("What is the capital of France?", known_names=True)
