"""What an owner does with an item: received -> claimed -> answered | void | failed."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from backend import db
from bot import claims, inbox, ledger
from bot.incoming import SharedFile
from bot.models import InboxItem, ItemState, PartState
from tests.bot.items import again, answered, claimed, end_lease, next_item, said, taken

pytestmark = pytest.mark.django_db

SOON = timedelta(minutes=1)


# Claiming


def test_the_oldest_item_of_a_connected_platform_is_claimed_first() -> None:
    first, second = taken("1.1"), taken("1.2")

    assert claims.claim(["discord"]) is None
    assert [next_item().pk, next_item().pk] == [first.pk, second.pk]
    assert claims.claim(["slack"]) is None


def test_a_claimed_item_is_nobody_elses_until_its_lease_ends() -> None:
    item = claimed()
    assert (item.state, item.attempts) == (ItemState.CLAIMED, 1)
    assert claims.claim(["slack"]) is None

    end_lease(item)

    taken_over = next_item()
    assert (taken_over.pk, taken_over.attempts) == (item.pk, 2)
    assert taken_over.token != item.token


def test_a_renewed_lease_goes_on_and_what_was_taken_over_is_told() -> None:
    mine, lost = claimed("1.1"), claimed("1.2")
    end_lease(lost)
    next_item()

    assert claims.renew({mine.pk: mine, lost.pk: lost}) == {mine.pk}
    renewed = again(mine).lease_until
    assert renewed is not None and mine.lease_until is not None
    assert renewed > mine.lease_until


@pytest.mark.django_db(transaction=True)
def test_claimers_at_once_never_get_the_same_item() -> None:
    for number in range(60):
        inbox.take(said(f"1.{number}"))

    def take_all(_: int) -> list[int]:
        found = []
        try:
            while (item := claims.claim(["slack"])) is not None:
                found.append(item.pk)
        finally:
            connection.close()
        return found

    with ThreadPoolExecutor(8) as claimers:
        got = Counter(pk for found in claimers.map(take_all, range(8)) for pk in found)

    assert len(got) == 60
    assert set(got.values()) == {1}


# Deciding


def test_the_answer_is_committed_with_the_texts_of_its_messages() -> None:
    item = claimed()

    assert claims.decide(item, ItemState.ANSWERED, ["One.", "Two."])

    assert again(item).state == item.state == ItemState.ANSWERED
    parts = ledger.parts_of(item)
    assert [(p.number, p.state, p.text) for p in parts] == [
        (0, PartState.PLANNED, "One."),
        (1, PartState.PLANNED, "Two."),
    ]


def test_who_was_taken_over_commits_nothing() -> None:
    slow = claimed()
    end_lease(slow)
    quick = next_item()

    assert not claims.decide(slow, ItemState.ANSWERED, ["Late."])
    assert not ledger.parts_of(slow)
    assert claims.decide(quick, ItemState.ANSWERED, ["In time."])
    assert not claims.decide(slow, ItemState.ANSWERED, ["Late."])
    assert [part.text for part in ledger.parts_of(quick)] == ["In time."]


def test_an_item_is_answered_once() -> None:
    item = answered()

    assert not claims.decide(item, ItemState.ANSWERED, ["Again."])
    assert [part.text for part in ledger.parts_of(item)] == ["At nine."]


def test_what_is_decided_is_delivered_by_whoever_comes_next() -> None:
    item = answered()
    assert claims.claim(["slack"]) is None
    end_lease(item)

    delivering = next_item()

    assert (delivering.pk, delivering.state) == (item.pk, ItemState.ANSWERED)
    assert claims.settle(delivering)
    assert claims.claim(["slack"]) is None
    assert again(item).settled


def test_who_was_taken_over_settles_nothing() -> None:
    slow = answered()
    end_lease(slow)
    next_item()

    assert not claims.settle(slow)
    assert not again(slow).settled


# Giving back


@pytest.mark.parametrize("hold", [claimed, answered])
def test_what_is_let_go_is_taken_up_at_once_and_the_attempt_does_not_count(
    hold: Callable[[], InboxItem],
) -> None:
    item = hold()
    for _ in range(db.MAX_ATTEMPTS + 1):
        claims.let_go(item)
        item = next_item()

    assert item.attempts == 1


def test_what_is_put_off_waits_its_time() -> None:
    item = claimed()

    claims.put_off(item, "the model is away", SOON)

    assert (again(item).state, again(item).reason) == (ItemState.RECEIVED, "the model is away")
    assert claims.claim(["slack"]) is None
    end_lease(item)
    assert next_item().attempts == 2


def test_who_was_taken_over_gives_nothing_back() -> None:
    slow = claimed()
    end_lease(slow)
    quick = next_item()

    claims.let_go(slow)
    claims.put_off(slow, "late", SOON)

    assert again(slow).token == quick.token
    assert claims.claim(["slack"]) is None


# Giving up


def test_after_five_attempts_it_has_failed_and_the_person_is_told() -> None:
    item = claimed()
    for attempt in range(2, db.MAX_ATTEMPTS + 1):
        end_lease(item)
        assert next_item().attempts == attempt
    assert claims.set_aside(["slack"], {"question": "Sorry."}) == 0  # the last attempt is under way
    end_lease(item)

    assert claims.claim(["slack"]) is None
    assert claims.set_aside(["slack"], {"question": "Sorry."}) == 1
    assert claims.set_aside(["slack"], {"question": "Sorry."}) == 0

    telling = next_item()
    assert (telling.pk, telling.state) == (item.pk, ItemState.FAILED)
    assert telling.reason
    assert [part.text for part in ledger.parts_of(telling)] == ["Sorry."]


def test_many_are_claimed_together_each_for_itself() -> None:
    inbox.take(said("1.1", "", files=[SharedFile("F1", "hr.pdf"), SharedFile("F2", "it.pdf")]))
    for message in ("2.1", "2.2", "2.3"):
        taken(message)
    together = claims.claim_many(["slack"], 3, files=1)
    assert [item.message for item in together] == ["1.1/F1", "2.1", "2.2"]
    assert len({item.token for item in together}) == 3
    left = claims.claim_many(["slack"], 3, files=1)
    assert [item.message for item in left] == ["1.1/F2", "2.3"]


def test_what_owners_died_of_twice_is_taken_up_beside_no_other_such_item() -> None:
    poison, beside = taken("1.1"), taken("1.2")
    for _ in range(2):
        together = claims.claim_many(["slack"], 3, files=1)
        assert [item.pk for item in together] == [poison.pk, beside.pk]
        for item in together:
            end_lease(item)
    fresh = taken("1.3")
    third = claims.claim_many(["slack"], 3, files=1)
    assert [item.pk for item in third] == [poison.pk, fresh.pk]
    assert claims.is_suspect(third[0]) and not claims.is_suspect(third[1])
    assert claims.claim_many(["slack"], 3, files=1, suspects=False) == []
    [alone] = claims.claim_many(["slack"], 3, files=1)
    assert alone.pk == beside.pk


def test_what_was_put_off_often_is_no_suspect() -> None:
    for item in (claimed("1.1"), claimed("1.2")):
        InboxItem.objects.filter(pk=item.pk).update(attempts=3)
        claims.put_off(item, "the model is away", SOON)
        end_lease(item)
    assert len(claims.claim_many(["slack"], 3, files=1, suspects=False)) == 2


def test_files_to_be_fetched_are_left_where_many_are_in_hand() -> None:
    inbox.take(said("1.1", "", files=[SharedFile("F1", "hr.pdf")]))
    question = taken("2.1")
    assert claims.claim(["slack"], files=False) == question
    assert claims.claim(["slack"], files=False) is None
    file = next_item()
    assert (file.kind, file.message) == ("file", "1.1/F1")


def test_the_last_owner_answers_nothing_after_it_was_set_aside() -> None:
    item = claimed()
    InboxItem.objects.filter(pk=item.pk).update(attempts=db.MAX_ATTEMPTS)
    end_lease(item)
    claims.set_aside(["slack"], {"question": "Sorry."})

    assert not claims.decide(item, ItemState.ANSWERED, ["Late."])
    assert [part.text for part in ledger.parts_of(item)] == ["Sorry."]


def test_a_message_that_shows_the_draft_shows_that_it_failed() -> None:
    item = claimed()
    part = ledger.begin(item, 0)
    ledger.opened(part, "2.1")
    InboxItem.objects.filter(pk=item.pk).update(attempts=db.MAX_ATTEMPTS)
    end_lease(item)

    claims.set_aside(["slack"], {"question": "Sorry."})

    part.refresh_from_db()
    assert (part.state, part.message, part.text) == (PartState.FINAL, "2.1", "Sorry.")


def test_a_reply_that_the_platform_refuses_is_given_up() -> None:
    undecided, decided = claimed("1.1"), answered("1.2")

    claims.close(undecided, "the channel is archived")
    claims.close(decided, "the channel is archived")

    assert again(undecided).state == ItemState.FAILED
    assert again(decided).state == ItemState.ANSWERED
    assert all(again(i).settled and again(i).reason for i in (undecided, decided))
    assert claims.claim(["slack"]) is None


# Asking anew


def test_an_answer_that_may_not_be_shown_any_more_is_asked_anew_in_the_same_messages() -> None:
    item = claimed()
    part = ledger.begin(item, 0)
    ledger.opened(part, "2.1")
    claims.decide(item, ItemState.ANSWERED, ["The team's secret."])

    claims.reopen(item)

    anew = next_item()
    assert (anew.pk, anew.state) == (item.pk, ItemState.CLAIMED)
    [part] = ledger.parts_of(anew)
    assert (part.state, part.message, part.text) == (PartState.OPEN, "2.1", "")


def test_who_was_taken_over_asks_nothing_anew() -> None:
    slow = answered()
    end_lease(slow)
    next_item()

    claims.reopen(slow)

    assert again(slow).state == ItemState.ANSWERED
