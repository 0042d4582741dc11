"""One-time sign-in links."""

import hashlib
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import Membership, Role, SignInToken, User
from backend.accounts.roles import role_of
from backend.accounts.sign_in import FIRST_ADMIN_EMAIL, home_has_admin, link_for, redeem
from backend.accounts.spaces import home
from tests.backend.people import user


def token_of(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


@pytest.mark.django_db
def test_a_link_signs_its_user_in_once() -> None:
    who = user(role=Role.MEMBER)
    token = token_of(link_for(who))
    assert redeem(token) == who
    assert redeem(token) is None


@pytest.mark.django_db
def test_each_link_works_though_others_were_made_since() -> None:
    who = user(role=Role.MEMBER)
    tokens = [token_of(link_for(who)) for _ in range(3)]
    assert len(set(tokens)) == 3
    assert [redeem(token) for token in tokens] == [who] * 3


@pytest.mark.django_db
def test_a_link_is_dead_after_its_hour() -> None:
    token = token_of(link_for(user()))
    row = SignInToken.objects.get()
    hour = timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    assert hour
    SignInToken.objects.update(expires_at=timezone.now())
    assert redeem(token) is None


@pytest.mark.django_db
def test_the_lifetime_is_the_settings(settings: Settings) -> None:
    settings.SIGN_IN_LINK_LIFETIME = timedelta(seconds=-1)
    assert redeem(token_of(link_for(user()))) is None


@pytest.mark.django_db
def test_old_links_are_cleared_away_when_one_is_made() -> None:
    link_for(user())
    SignInToken.objects.update(expires_at=timezone.now())
    link_for(user())
    assert SignInToken.objects.count() == 1


@pytest.mark.django_db
def test_only_the_hash_of_a_link_is_kept() -> None:
    token = token_of(link_for(user()))
    (row,) = SignInToken.objects.values()
    assert token not in repr(row)
    assert row["sha256"] == hashlib.sha256(token.encode()).hexdigest()
    assert redeem(row["sha256"]) is None


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "\x00", "é" * 500, "' OR 1=1 --", "�"])
def test_a_token_that_was_never_made_signs_nobody_in(token: str) -> None:
    link_for(None), link_for(user())
    assert redeem(token) is None
    assert SignInToken.objects.count() == 2


@pytest.mark.django_db
def test_whoever_may_no_longer_sign_in_has_no_use_of_a_link() -> None:
    who = user(role=Role.ADMIN)
    token = token_of(link_for(who))
    User.objects.filter(pk=who.pk).update(is_active=False)
    assert redeem(token) is None


@pytest.mark.django_db
def test_the_first_link_makes_the_first_admin() -> None:
    assert not home_has_admin()
    first = redeem(token_of(link_for(None)))
    assert first is not None
    assert (first.email, role_of(first, home())) == (FIRST_ADMIN_EMAIL, Role.ADMIN)
    assert home_has_admin()


@pytest.mark.django_db
def test_the_first_admins_link_is_dead_once_there_is_an_admin() -> None:
    one, two, three = (token_of(link_for(None)) for _ in range(3))
    assert redeem(one) is not None
    assert redeem(two) is None
    other = user(role=Role.ADMIN)
    Membership.objects.exclude(user=other).delete()
    assert redeem(three) is None


@pytest.mark.django_db
def test_a_member_or_curator_is_no_admin_yet() -> None:
    user(role=Role.MEMBER), user(role=Role.CURATOR)
    assert redeem(token_of(link_for(None))) is not None


def at_once(*tasks: Callable[[], User | None]) -> list[User | None]:
    """Run the tasks in threads that begin together; their results."""
    barrier, results = threading.Barrier(len(tasks)), []

    def run(task: Callable[[], User | None]) -> None:
        try:
            barrier.wait()
            results.append(task())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(tasks)
    return results


@pytest.mark.django_db(transaction=True)
def test_of_many_uses_at_once_exactly_one_wins() -> None:
    who = user(role=Role.MEMBER)
    for _ in range(5):
        token = token_of(link_for(who))
        results = at_once(*[lambda token=token: redeem(token)] * 8)
        assert sorted(results, key=str) == [None] * 7 + [who]


@pytest.mark.django_db(transaction=True)
def test_of_many_first_links_used_at_once_exactly_one_wins() -> None:
    home()
    tokens = [token_of(link_for(None)) for _ in range(6)]
    results = at_once(*[lambda token=token: redeem(token) for token in tokens])
    assert sum(result is not None for result in results) == 1
    assert Membership.objects.filter(role=Role.ADMIN).count() == 1


@pytest.mark.django_db
def test_the_link_opens_the_page_as_its_user(client: Client) -> None:
    who = user(role=Role.MEMBER)
    path = f"/sign-in/{token_of(link_for(who))}/"
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(who.pk)
    assert Client().get(path).status_code == 410


@pytest.mark.django_db
def test_a_browser_that_looks_ahead_does_not_use_the_link_up(client: Client) -> None:
    path = f"/sign-in/{token_of(link_for(user(role=Role.MEMBER)))}/"
    assert client.get(path, headers={"Sec-Purpose": "prefetch;prerender"}).status_code == 204
    assert client.head(path).status_code == 405
    assert client.get(path).status_code == 302


@pytest.mark.django_db
def test_signing_in_begins_a_new_session(client: Client) -> None:
    first, second = user(role=Role.MEMBER), user(role=Role.MEMBER)
    client.get(f"/sign-in/{token_of(link_for(first))}/")
    before = client.session.session_key
    client.get(f"/sign-in/{token_of(link_for(second))}/")
    assert client.session.session_key != before
    assert client.session["_auth_user_id"] == str(second.pk)
