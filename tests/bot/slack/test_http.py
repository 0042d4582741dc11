"""Slack over signed HTTP: the web process keeps what is said, the bot process answers it."""

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
import pytest_asyncio
import uvicorn
from django.core.asgi import get_asgi_application
from django.db import connection
from pytest_django import Settings

from backend.chat.models import Feedback
from bot.errors import Resting
from bot.models import InboxItem
from bot.responder import Responder
from bot.slack import http, service
from bot.threads import in_inbox
from tests.bot.slack.asking import QUESTION, ask, one_answer, until_settled
from tests.bot.slack.running import answered, point_to, shown
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = "opens at nine"


@pytest_asyncio.fixture(autouse=True)
async def web(slack: SlackSimulator, settings: Settings) -> AsyncIterator[None]:
    """The web process's application under its server; Slack sends there."""
    point_to(slack, settings)
    settings.SLACK_APP_TOKEN, settings.SLACK_SIGNING_SECRET = "", slack.app.signing_secret
    slack.settings.ack_timeout = 2.0
    http.application.cache_clear()
    django = get_asgi_application()
    quiet = uvicorn.Config(django, port=0, log_config=None, access_log=False, lifespan="off")
    server = uvicorn.Server(quiet)
    serving = asyncio.create_task(server.serve())
    await slack.until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    slack.http.url = f"http://127.0.0.1:{port}/slack/events"
    yield
    server.should_exit = True
    await serving
    http.application.cache_clear()


@asynccontextmanager
async def bot(slack: SlackSimulator) -> AsyncIterator[None]:
    """The bot process, which looks into the inbox by itself."""
    stop, responder = asyncio.Event(), Responder()
    tasks = [
        asyncio.create_task(responder.run(stop)),
        asyncio.create_task(service.serve(responder, stop)),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


def over(slack: SlackSimulator) -> bool:
    return all(delivery.outcome != "pending" for delivery in slack.deliveries)


async def test_a_mention_is_answered(slack: SlackSimulator) -> None:
    async with bot(slack):
        await one_answer(slack, ask(slack), "The office in Lisbon opens at nine o'clock")
    await slack.until(lambda: over(slack))
    assert not slack.sockets.connections
    assert {a.status for d in slack.deliveries for a in d.attempts} == {200}


async def test_what_is_said_while_no_bot_runs_is_answered_later(slack: SlackSimulator) -> None:
    asked = slack.dm("ana", QUESTION)
    await slack.until(lambda: over(slack))
    assert not slack.answers(asked)
    async with bot(slack):
        assert ANSWER in shown(await answered(slack, asked))


async def test_a_command_is_acknowledged_and_answered(slack: SlackSimulator) -> None:
    async with bot(slack):
        delivery = slack.command("ana", "general", "/ask", QUESTION)
        await slack.until(lambda: len(slack.general.ephemeral) == 2)
    told, answer = slack.general.ephemeral
    assert delivery.response and QUESTION in told.text and ANSWER in shown(answer)


async def test_a_thumb_down_asks_why_and_keeps_what_is_said(slack: SlackSimulator) -> None:
    async with bot(slack):
        answer = await answered(slack, ask(slack))
        await until_settled()
    slack.feedback("ben", answer, good=False)
    [view] = await slack.until(lambda: list(slack.world.views.values()))
    reason = {"type": "plain_text_input", "value": "It opens at ten."}
    slack.submit("ben", view, {"reason": {"reason": reason}})
    async with asyncio.timeout(10):
        while not await Feedback.objects.filter(reason="It opens at ten.").aexists():
            await asyncio.sleep(0.02)


async def test_a_bot_that_is_taken_out_notices_it_though_the_web_process_hears_it(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LET_IN_EVERY", 0.1)
    connected = asyncio.create_task(service.serve(Responder(), asyncio.Event()))
    await slack.until(lambda: len(slack.calls_to("auth.test")) > 2)
    assert not connected.done()
    slack.uninstall()
    with pytest.raises(Resting, match="account_inactive"):
        await asyncio.wait_for(connected, 10)


async def test_slack_can_verify_the_address(slack: SlackSimulator) -> None:
    assert await slack.verify_url()


# Promise 29


def payload(slack: SlackSimulator) -> tuple[bytes, str]:
    """A mention as Slack would send it."""
    event = {"type": "message", "channel": "C1", "channel_type": "im", "user": "U1", "ts": "1.1"}
    bot = {"team_id": slack.world.team_id, "user_id": slack.app.user_id, "is_bot": True}
    body = {"type": "event_callback", "event": event | {"text": "hi"}, "authorizations": [bot]}
    return json.dumps(body).encode(), "application/json"


async def test_what_is_signed_lately_is_taken(slack: SlackSimulator) -> None:
    body, kind = payload(slack)
    for age in (0, 290):
        reply = await slack.post(body, slack.http.headers(body, kind, age=age))
        assert reply.status_code == 200
    assert await InboxItem.objects.acount() == 1


@pytest.mark.parametrize("forgery", ["guessed", "empty", "old", "early", "changed", "unsigned"])
async def test_forged_and_old_requests_are_refused(slack: SlackSimulator, forgery: str) -> None:
    body, kind = payload(slack)
    headers = {
        "guessed": slack.http.headers(body, kind, secret="guessed"),
        "empty": slack.http.headers(body, kind, secret=""),
        "old": slack.http.headers(body, kind, age=301),
        "early": slack.http.headers(body, kind, age=-310),
        "changed": slack.http.headers(body + b" ", kind),
        "unsigned": {"content-type": kind},
    }
    assert (await slack.post(body, headers[forgery])).status_code == 401
    assert not await InboxItem.objects.aexists()


@pytest.mark.soak
async def test_of_a_thousand_forgeries_and_replays_none_is_taken(slack: SlackSimulator) -> None:
    """Promise 29: one signed request, changed in every way that somebody on its path could."""
    chosen, statuses = random.Random(29), Counter[int]()
    for number in range(1_000):
        body, kind = payload(slack)
        age = chosen.choice([0, 0, chosen.randint(301, 10**6), -chosen.randint(310, 10**6)])
        headers = dict(slack.http.headers(body, kind, age=age))
        if abs(age) <= 300:
            body, headers = forged(chosen, number, body, headers)
        statuses[(await slack.post(body, headers)).status_code] += 1
    # A changed body may be no JSON any more.
    assert set(statuses) <= {400, 401} and not await InboxItem.objects.aexists()
    async with bot(slack):
        asked = [ask(slack) for _ in range(50)]
        for question in asked:
            await answered(slack, question)
        replays = list(slack.deliveries)
        for delivery in replays:
            await slack.replay(delivery)
        await until_settled()
    assert all(len(slack.answers(question)) == 1 for question in asked)
    assert await InboxItem.objects.acount() == 50
    print(f"\n1,000 forged or old requests: {dict(statuses)}, 0 taken;", end=" ")
    print(f"{len(replays)} replays: 0 answered again")


def forged(
    chosen: random.Random, number: int, body: bytes, headers: dict[str, str]
) -> tuple[bytes, dict[str, str]]:
    """One byte of the request or of its signature is another, or a header is gone."""
    if number % 3 == 0:
        at = chosen.randrange(len(body))
        return body[:at] + bytes([body[at] ^ 1 << chosen.randrange(7)]) + body[at + 1 :], headers
    name = chosen.choice(["x-slack-signature", "x-slack-request-timestamp"])
    signed = {key.lower(): value for key, value in headers.items()}
    if number % 3 == 1:
        return body, {key: value for key, value in signed.items() if key != name}
    digits, at = signed[name], chosen.randrange(4, len(signed[name]))
    other = "1" if digits[at] != "1" else "2"
    return body, signed | {name: digits[:at] + other + digits[at + 1 :]}


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("sent", ["[]", "1", "null", '"words"', "[{}]", "{"])
async def test_what_is_signed_and_no_object_is_refused(
    slack: SlackSimulator, sent: str, kind: str
) -> None:
    body = sent.encode() if kind == "application/json" else b"payload=" + sent.encode()
    reply = await slack.post(body, slack.http.headers(body, kind))
    assert reply.status_code == 400


async def test_a_replayed_message_is_answered_once(slack: SlackSimulator) -> None:
    async with bot(slack):
        asked = ask(slack)
        await answered(slack, asked)
        for delivery in list(slack.deliveries):
            assert (await slack.replay(delivery)).status_code == 200
        await until_settled()
    assert len(slack.answers(asked)) == 1
    assert await InboxItem.objects.acount() == 1


async def test_a_replayed_command_has_no_effect(slack: SlackSimulator) -> None:
    on = slack.command("ana", "general", "/knowledge", "guests on")
    await slack.until(lambda: len(slack.general.ephemeral) == 1)
    slack.command("ana", "general", "/knowledge", "guests off")
    await slack.until(lambda: len(slack.general.ephemeral) == 2 and over(slack))
    calls = len(slack.calls)
    reply = await slack.replay(on)
    assert (reply.status_code, reply.text) == (200, "")
    await asyncio.sleep(0.2)
    assert len(slack.calls) == calls
    assert len(slack.general.ephemeral) == 2


async def test_without_a_signing_secret_there_is_nothing(
    slack: SlackSimulator, settings: Settings
) -> None:
    settings.SLACK_SIGNING_SECRET = ""
    body, kind = payload(slack)
    for secret in ("none", "", slack.app.signing_secret):
        reply = await slack.post(body, slack.http.headers(body, kind, secret=secret))
        assert reply.status_code == 404
    assert not await InboxItem.objects.aexists()


async def test_what_cannot_be_kept_is_not_acknowledged_and_comes_again(
    slack: SlackSimulator,
) -> None:
    slack.settings.retry_delays = (1.0, 0.1, 0.2)
    await in_inbox(wait_no_longer_than, 0)
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as other:
        other.execute("BEGIN IMMEDIATE")
        asked = slack.dm("ana", QUESTION)
        attempts = slack.deliveries[0].attempts
        await slack.until(lambda: attempts and attempts[0].status == 500)
        other.rollback()
    await slack.until(lambda: slack.deliveries[0].outcome == "acked")
    async with bot(slack):
        assert ANSWER in shown(await answered(slack, asked))


def wait_no_longer_than(milliseconds: int) -> None:
    """For the database's lock, on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout={milliseconds}")
