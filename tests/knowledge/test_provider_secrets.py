"""Promise 28: neither a key nor a provider's own words get into messages, notices or logs."""

import logging
import traceback

import pytest
from asgiref.sync import sync_to_async
from pytest_django import Settings

from knowledge.embedding import embedder
from knowledge.errors import ProviderError
from knowledge.models import Space
from tests.knowledge.faulty import EVERY
from tests.knowledge.talking import GENERAL, answer_to, attempt, hear
from tests.simulators.faults import Answer, Behaviour, Blocked, Hang, Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.usefixtures("closing_clients", "few_certificates", "impatient")

KEY = "sk-canary-4f9a1c77e2"
ENDS = ("sk-c", "77e2")
THEIRS = "words-of-theirs"
TALKATIVE: list[Behaviour] = [
    Status(status, message=f"{THEIRS} {KEY}", code=f"{THEIRS}-{KEY}")
    for status in (400, 401, 403, 404, 409, 418, 429, 500, 503)
]
TALKATIVE += [
    Status(503, message=f"{THEIRS} {KEY}", code=KEY, after=2),
    Answer("Some text.", finish=f"{THEIRS}-{KEY}"),
    Blocked(f"{THEIRS}-{KEY}"),
]


@pytest.fixture(params=["gemini", "openai"])
def provider(request: pytest.FixtureRequest, settings: Settings) -> str:
    """A provider that takes any key; ours is the canary."""
    request.getfixturevalue(request.param).key = None
    settings.GOOGLE_API_KEY = settings.OPENAI_API_KEY = KEY
    if request.param == "openai":
        settings.GOOGLE_API_KEY = ""
    return str(request.param)


def assert_silent(text: str) -> None:
    for secret in (KEY, THEIRS, *ENDS):
        assert secret not in text, f"{secret!r} in {text}"


@pytest.mark.filterwarnings("ignore:.*is not a valid:UserWarning")
@pytest.mark.parametrize(
    "fault", [*TALKATIVE, *(f for f in EVERY if not isinstance(f, Hang))], ids=str
)
async def test_an_error_tells_neither_key_nor_their_words(
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    fault: Behaviour,
) -> None:
    caplog.set_level(logging.INFO)
    server = request.getfixturevalue(provider)
    server.faults.always(fault)
    try:
        await attempt(provider)
    except ProviderError as error:
        assert_silent("".join(traceback.format_exception(error)))
    await hear()
    assert_silent(caplog.text)


@pytest.mark.parametrize("fault", TALKATIVE[:-2], ids=str)
def test_nor_do_errors_of_embedding(
    request: pytest.FixtureRequest,
    caplog: pytest.LogCaptureFixture,
    provider: str,
    fault: Behaviour,
) -> None:
    caplog.set_level(logging.INFO)
    server = request.getfixturevalue(provider)
    server.faults.always(fault)
    with pytest.raises(ProviderError) as caught:
        embedder(provider).embed(["text"])
    assert_silent("".join(traceback.format_exception(caught.value)) + caplog.text)


async def test_nor_does_a_key_that_is_refused(
    gemini: GeminiSimulator, openai: OpenAISimulator, settings: Settings
) -> None:
    settings.GOOGLE_API_KEY = settings.OPENAI_API_KEY = KEY
    for name in ("gemini", "openai"):
        with pytest.raises(ProviderError, match="the key is not accepted") as caught:
            await hear(GENERAL, [name])
        assert_silent("".join(traceback.format_exception(caught.value)))


@pytest.mark.django_db(transaction=True)
async def test_nor_do_the_notices_of_an_answer(
    request: pytest.FixtureRequest, provider: str, team: Space, handbook: None
) -> None:
    server = await sync_to_async(request.getfixturevalue)(provider)
    for fault in TALKATIVE[:-2]:
        server.faults.always(fault)
        for question in ("How many days of parental leave?", "How far away is the moon?"):
            answer = await answer_to(question, team)
            assert_silent(answer.text + answer.notice)
