"""The delivery ledger: planned -> opening -> open -> final -> sent, and withdrawn -> gone."""

from collections.abc import Callable

import pytest

from bot import claims, ledger
from bot.models import ItemState, PartState, ReplyPart
from knowledge.errors import LeaseLost
from tests.bot.items import answered, claimed, end_lease, next_item

pytestmark = pytest.mark.django_db

State = PartState


def planned() -> ReplyPart:
    return ledger.parts_of(answered("1.1"))[0]


def opening() -> ReplyPart:
    part = planned()
    assert ledger.opening(part)
    return part


def opened() -> ReplyPart:
    """Begun while the answer is still written."""
    part = ledger.begin(claimed("1.2"), 0)
    assert ledger.opened(part, "2.1")
    return part


def final() -> ReplyPart:
    part = opened()
    claims.decide(part.item, ItemState.ANSWERED, ["At nine."])
    part.refresh_from_db()
    return part


def sent() -> ReplyPart:
    part = final()
    assert ledger.sent(part)
    return part


def withdrawn() -> ReplyPart:
    part = planned()
    ledger.withdraw(part)
    return part


def gone() -> ReplyPart:
    part = withdrawn()
    assert ledger.gone(part)
    return part


MAKERS: dict[State, Callable[[], ReplyPart]] = {
    State.PLANNED: planned,
    State.OPENING: opening,
    State.OPEN: opened,
    State.FINAL: final,
    State.SENT: sent,
    State.WITHDRAWN: withdrawn,
    State.GONE: gone,
}
STEPS: dict[str, Callable[[ReplyPart], bool]] = {
    "opening": ledger.opening,
    "not opened": ledger.not_opened,
    "sent": ledger.sent,
    "gone": ledger.gone,
}
ARROWS = {
    ("opening", State.PLANNED): State.OPENING,
    ("not opened", State.OPENING): State.PLANNED,
    ("sent", State.FINAL): State.SENT,
    ("gone", State.WITHDRAWN): State.GONE,
}


@pytest.mark.parametrize("state", MAKERS)
def test_a_part_is_where_it_was_brought(state: State) -> None:
    assert MAKERS[state]().state == state


@pytest.mark.parametrize("state", MAKERS)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_leads_only_from_where_its_arrow_begins(step: str, state: State) -> None:
    part = MAKERS[state]()
    to = ARROWS.get((step, state))

    assert STEPS[step](part) is (to is not None)

    part.refresh_from_db()
    assert part.state == (to or state)


@pytest.mark.parametrize("state", MAKERS)
def test_a_part_is_withdrawn_from_anywhere_but_gone_stays_gone(state: State) -> None:
    part = MAKERS[state]()

    ledger.withdraw_all(part.item)

    part.refresh_from_db()
    assert part.state == (State.GONE if state == State.GONE else State.WITHDRAWN)
    assert part.text == ""


def test_the_intent_is_committed_with_its_time_before_the_call() -> None:
    part = ledger.begin(claimed(), 0)

    stored = ReplyPart.objects.get()
    assert (stored.state, stored.message) == (State.OPENING, "")
    assert stored.opening_at is not None and stored.opening_at == part.opening_at


def test_who_was_taken_over_begins_no_part() -> None:
    slow = claimed()
    end_lease(slow)
    next_item()

    with pytest.raises(LeaseLost):
        ledger.begin(slow, 0)
    assert not ReplyPart.objects.exists()


def test_a_part_is_begun_once() -> None:
    item = claimed()
    first, second = ledger.begin(item, 0), ledger.begin(item, 0)

    assert first.pk == second.pk


def test_of_two_who_would_open_a_planned_part_one_does() -> None:
    part = planned()
    mine, theirs = (ReplyPart.objects.get(pk=part.pk) for _ in range(2))

    assert [ledger.opening(mine), ledger.opening(theirs)] == [True, False]


def test_a_message_that_was_opened_while_the_answer_was_decided_has_its_final_text_next() -> None:
    item = claimed()
    part = ledger.begin(item, 0)
    claims.decide(item, ItemState.ANSWERED, ["At nine."])
    part.refresh_from_db()
    assert (part.state, part.text) == (State.OPENING, "At nine.")

    assert ledger.opened(part, "2.1")

    assert (part.state, part.message) == (State.FINAL, "2.1")


def test_a_message_that_was_opened_while_it_was_withdrawn_is_known_and_stays_withdrawn() -> None:
    part = ledger.begin(claimed(), 0)
    ledger.withdraw_all(part.item)

    assert ledger.opened(part, "2.1")

    assert (part.state, part.message) == (State.WITHDRAWN, "2.1")


@pytest.mark.django_db(transaction=True)
def test_a_message_is_adopted_by_one_part_only() -> None:
    item = claimed()
    first, second = ledger.begin(item, 0), ledger.begin(item, 1)

    assert ledger.opened(first, "2.1")
    assert not ledger.opened(second, "2.1")

    second.refresh_from_db()
    assert (second.state, second.message) == (State.OPENING, "")
    assert ledger.known_messages(first.channel, ["2.1", "2.2"]) == {"2.1"}
    assert ledger.opened(second, "2.2")


def test_the_same_id_in_another_channel_is_another_message() -> None:
    part = opened()

    assert ledger.known_messages("slack/T1/C2", [part.message]) == set()


def test_a_part_keeps_the_message_that_it_has() -> None:
    part = opened()

    assert not ledger.opened(part, "2.9")
    assert ReplyPart.objects.get().message == "2.1"


def test_messages_that_the_final_text_does_not_need_are_withdrawn() -> None:
    item = claimed()
    for number in range(3):
        ledger.opened(ledger.begin(item, number), f"2.{number}")

    claims.decide(item, ItemState.ANSWERED, ["Short."])

    states = [part.state for part in ledger.parts_of(item)]
    assert states == [State.FINAL, State.WITHDRAWN, State.WITHDRAWN]


def test_what_was_sent_is_kept_nowhere_else() -> None:
    assert ReplyPart.objects.get(pk=sent().pk).text == ""


def test_messages_of_an_answer_that_is_asked_anew_are_open_again() -> None:
    part = sent()
    ledger.reopen(part.item)

    part.refresh_from_db()
    assert (part.state, part.message) == (State.OPEN, "2.1")
