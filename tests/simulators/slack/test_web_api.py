"""The Web API as the real slack_sdk sees it."""

import time
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.simulators.slack.faults import Delay, Drop, Error, Status
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = pytest.mark.asyncio


async def refused(call: Any) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as caught:
        await call
    body = caught.value.response.data
    assert isinstance(body, dict)
    return body


async def refusal(call: Any) -> str:
    return str((await refused(call))["error"])


async def test_tokens_and_scopes(slack: SlackSimulator, client: AsyncWebClient) -> None:
    assert (await client.auth_test())["user_id"] == slack.app.user_id
    wrong = AsyncWebClient("xoxb-wrong", base_url=slack.url)
    assert await refusal(wrong.auth_test()) == "invalid_auth"
    none = AsyncWebClient(base_url=slack.url)
    assert await refusal(none.auth_test()) == "not_authed"
    app = AsyncWebClient(slack.app.app_token, base_url=slack.url)
    assert await refusal(app.users_list()) == "not_allowed_token_type"
    slack.app.scopes.discard("users:read")
    body = await refused(client.users_list())
    assert (body["error"], body["needed"]) == ("missing_scope", "users:read")
    assert "chat:write" in body["provided"]
    slack.app.refused = "token_revoked"
    assert await refusal(client.auth_test()) == "token_revoked"
    lookup = client.users_lookupByEmail(email="ana@example.org")
    assert await refusal(lookup) == "unknown_method"


async def test_where_the_app_may_not_post(slack: SlackSimulator, client: AsyncWebClient) -> None:
    secret = slack.add_channel("secret", "ana", kind="private_channel")
    cases: Any = {"C404": "channel_not_found", secret.id: "channel_not_found"}
    cases[slack.random.id] = "not_in_channel"
    for channel, error in cases.items():
        assert await refusal(client.chat_postMessage(channel=channel, text="x")) == error
    slack.archive("#general")
    call = client.chat_postMessage(channel=slack.general.id, text="x")
    assert await refusal(call) == "is_archived"


async def test_a_reply_to_a_thread_that_is_gone_stands_alone(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    question = slack.say("ana", "#general", "hello")
    where: Any = {"channel": question.channel, "thread_ts": question.ts}
    slack.delete(question)
    await client.chat_postMessage(**where, text="an answer")
    assert slack.transcript("#general") == "#general\naskwell: an answer"
    replies = client.conversations_replies(channel=question.channel, ts=question.ts)
    assert await refusal(replies) == "thread_not_found"


async def test_history_has_parents_only_and_pages(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    parents = [slack.say("ana", "#general", f"{n}") for n in range(5)]
    for number in range(3):
        slack.say("ben", "#general", f"reply {number}", parents[0])
    where: Any = {"channel": slack.general.id}
    seen = [
        m async for p in await client.conversations_history(**where, limit=2) for m in p["messages"]
    ]
    assert [m["text"] for m in seen] == ["4", "3", "2", "1", "0"]
    assert (seen[-1]["reply_count"], "thread_ts" in seen[0]) == (3, False)
    newer = await client.conversations_history(**where, oldest=parents[2].ts)
    assert [m["text"] for m in newer["messages"]] == ["4", "3"]
    first = await client.conversations_replies(**where, ts=parents[0].ts, limit=2)
    assert [m["text"] for m in first["messages"]] == ["0", "reply 0"]
    cursor = first["response_metadata"]["next_cursor"]
    rest = await client.conversations_replies(**where, ts=parents[0].ts, limit=2, cursor=cursor)
    assert [m["text"] for m in rest["messages"]] == ["0", "reply 1", "reply 2"]
    assert rest["has_more"] is False


async def test_guests_are_found_from_their_side(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    guest = slack.add_user("gil", is_restricted=True)
    slack.add_channel("hidden", guest, kind="private_channel")
    known = slack.add_channel("known", guest, slack.app.user_id, kind="private_channel")
    slack.join(guest, "#random")
    users = [u async for p in await client.users_list(limit=2) for u in p["members"]]
    assert [u["id"] for u in users if u.get("is_restricted")] == [guest.id]
    kinds = "public_channel,private_channel"
    found = await client.users_conversations(user=guest.id, types=kinds)
    assert {c["id"] for c in found["channels"]} == {slack.random.id, known.id}
    members = await client.conversations_members(channel=known.id)
    assert members["members"] == [guest.id, slack.app.user_id]
    outside = slack.add_user("eve", team_id="T0000EXT0", is_stranger=True)
    slack.join(outside, "#general")
    info = (await client.conversations_info(channel=slack.general.id))["channel"]
    assert (info["is_ext_shared"], info["is_private"]) == (True, False)
    assert (await client.users_info(user=outside.id))["user"]["team_id"] == "T0000EXT0"


async def test_a_file_needs_the_token(slack: SlackSimulator, client: AsyncWebClient) -> None:
    message = slack.upload("ana", "#general", "hr.txt", b"25 days")
    body = (await client.files_info(file=message.files[0].id))["file"]
    headers: Any = {"authorization": f"Bearer {slack.app.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(body["url_private_download"], headers=headers) as reply:
            assert (reply.content_type, await reply.read()) == ("text/plain", b"25 days")
        async with session.get(body["url_private"]) as reply:
            assert (reply.status, reply.content_type) == (200, "text/html")


async def test_rate_limits_and_who_ignores_them(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    slack.rates.on, slack.rates.burst = True, 2
    where: Any = {"channel": slack.general.id, "text": "x"}
    for _ in range(2):
        await client.chat_postMessage(**where)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(**where)
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"
    assert slack.early_calls == []
    await client.chat_postMessage(channel=slack.dm_of("ana").id, text="another channel")
    assert await refusal(client.chat_postMessage(**where)) == "ratelimited"
    assert [c.method for c in slack.early_calls] == ["chat.postMessage"]
    slack.rates.window = 1.0
    for _ in range(20):
        await client.users_list()
    assert await refusal(client.users_list()) == "ratelimited"
    time.sleep(1)
    await client.users_list()
    assert len(slack.early_calls) == 1


async def test_faults_before_and_after_the_effect(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    where: Any = {"channel": slack.general.id}
    slack.faults.next("chat.postMessage", Drop(), Drop(after=True), Status(503, after=True))
    for number in range(2):
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(**where, text=f"{number}")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(**where, text="2")
    slack.faults.next("chat.postMessage", Error("internal_error"), Delay(0.05), None)
    assert await refusal(client.chat_postMessage(**where, text="3")) == "internal_error"
    await client.chat_postMessage(**where, text="4")
    assert [m.text for m in slack.general.messages.values()] == ["1", "2", "4"]
    assert [c.error for c in slack.calls] == [
        "(dropped)",
        "(dropped)",
        "(HTTP 503)",
        "internal_error",
        None,
    ]


async def test_the_sdks_own_retry_posts_twice(slack: SlackSimulator) -> None:
    """A trap for the app: the default retry handler repeats a post whose answer was lost."""
    client = AsyncWebClient(slack.app.bot_token, base_url=slack.url)
    slack.faults.next("chat.postMessage", Drop(after=True))
    await client.chat_postMessage(channel=slack.general.id, text="once")
    assert slack.transcript("#general").count("once") == 2


async def test_pings_and_unfurls_are_noticed_wherever_they_hide(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    where: Any = {"channel": slack.general.id}
    ana = slack.world.user("ana").id
    await client.chat_postMessage(**where, text=f"<!here> <@{ana}|ana> &lt;!channel&gt; <#C1>")
    await client.chat_postMessage(**where, text="@everyone", link_names=True)
    markdown: Any = [{"type": "markdown", "text": "<!subteam^S1|x> https://example.org/?q=1"}]
    await client.chat_postMessage(**where, text="x", blocks=markdown)
    plain = {"type": "header", "text": {"type": "plain_text", "text": "<!here>"}}
    await client.chat_postMessage(**where, text="@here", blocks=[plain])
    assert [p.who for p in slack.pings] == ["!here", f"@{ana}", "!everyone", "!subteam^S1"]
    quiet: Any = {"unfurl_links": False, "unfurl_media": False}
    await client.chat_postMessage(**where, text="<https://example.org>", **quiet)
    assert [links for _, links in slack.unfurled()] == [["https://example.org/?q=1"]]


async def test_a_response_url_works_five_times(slack: SlackSimulator) -> None:
    slack.command("ana", "#random", "/ask", "x")
    url = slack.deliveries[-1].payload["response_url"]
    webhook = AsyncWebhookClient(url)
    replies = [await webhook.send(text=f"{n}") for n in range(6)]
    assert [r.status_code for r in replies] == [200] * 5 + [404]
    assert "askwell: 4 (only for ana)" in slack.transcript("#random", "ana")


async def test_a_dm_is_opened_and_a_reaction_added(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    ana = slack.world.user("ana")
    opened = await client.conversations_open(users=ana.id)
    assert opened["channel"]["id"] == slack.dm_of(ana).id
    message = slack.dm(ana, "hello")
    react: Any = {"channel": message.channel, "timestamp": message.ts, "name": "eyes"}
    await client.reactions_add(**react)
    assert await refusal(client.reactions_add(**react)) == "already_reacted"
    outsider = client.chat_postEphemeral(channel=slack.general.id, user="U404", text="x")
    assert await refusal(outsider) == "user_not_in_channel"
    await client.chat_postEphemeral(channel=slack.general.id, user=ana.id, text="psst")
    assert "psst" in slack.transcript("#general", ana)
    assert "psst" not in slack.transcript("#general", "ben")
