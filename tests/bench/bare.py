"""What answering in Slack costs without Askwell: the SDKs alone, with the calls that its bot makes.

`python -m tests.bench.bare`, with the bot's settings in the environment; serves until SIGTERM. It
reads nothing, keeps nothing and checks nothing.
"""

import asyncio
import os
import signal
from typing import Any

import aiohttp
from google import genai
from google.genai import types
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

# As long as the passages and rules of a prompt.
PADDING = "A passage of a document. " * 60
THUMBS = [
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "thumb",
                "positive_button": {"text": {"type": "plain_text", "text": "Yes"}, "value": "1"},
                "negative_button": {"text": {"type": "plain_text", "text": "No"}, "value": "0"},
            }
        ],
    }
]


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as calls,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as streams,
    ):
        client = AsyncWebClient(base_url=os.environ["SLACK_API_URL"], session=calls)
        client.token = os.environ["SLACK_BOT_TOKEN"]
        model = genai.Client(
            api_key=os.environ["GOOGLE_API_KEY"],
            http_options=types.HttpOptions(
                base_url=os.environ["GEMINI_BASE_URL"], aiohttp_client=streams
            ),
        )
        app = AsyncApp(client=client, signing_secret="none")
        app.event("app_mention")(_answering(client, model))
        app.event("message")(_nothing)
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=client)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await stop.wait()
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _nothing() -> None:
    """Everything said comes twice, as a mention and as a message."""


def _answering(client: AsyncWebClient, model: genai.Client) -> Any:
    async def answer(event: dict[str, Any]) -> None:
        where = {"channel": event["channel"]}
        thread = where | {"thread_ts": event["ts"]}
        readers = {"recipient_team_id": event["team"], "recipient_user_id": event["user"]}
        status = {"channel_id": event["channel"], "thread_ts": event["ts"], "status": "…"}
        await client.api_call("assistant.threads.setStatus", json=status)
        message, rest = "", ""
        async for chunk in await model.aio.models.generate_content_stream(
            model="gemini-3.6-flash", contents=event["text"] + PADDING
        ):
            rest += chunk.text or ""
            if rest and not message:
                begun = thread | readers | {"markdown_text": rest}
                message = (await client.api_call("chat.startStream", json=begun))["ts"]
                rest = ""
        ended = where | {"ts": message, "markdown_text": rest, "blocks": THUMBS}
        await client.api_call("chat.stopStream", json=ended)

    return answer


if __name__ == "__main__":
    asyncio.run(main())
