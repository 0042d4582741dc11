import pytest

from knowledge.index.terms import content_words
from knowledge.models import Space
from knowledge.retrieval import retrieve
from tests.conftest import AddText


def test_characters_count_in_pairs_where_no_spaces_part_words() -> None:
    assert content_words("育児休暇は90日") == ["育児", "児休", "休暇", "暇は", "は9", "90", "0日"]
    assert content_words("parental leave") == ["parental", "leave"]


@pytest.mark.django_db(transaction=True)
def test_a_japanese_question_finds_its_document(add_text: AddText, team: Space) -> None:
    add_text("育児休暇は90日間です。", "jp.txt")
    add_text("食堂は正午に開きます。", "lunch.txt")
    found = retrieve("育児休暇は何日ですか？", [team], 8)
    assert found.passages[0].document == "jp.txt"
    assert found.sufficient
