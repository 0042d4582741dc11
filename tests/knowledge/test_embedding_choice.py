"""Which model embeds: chosen once, at the first ingest; vectors of two models never meet."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from pytest_django import Settings

from backend.ingesting import finish, work_on_next
from knowledge import embedding
from knowledge.embedding import active_model, choose_model, embed, embedder
from knowledge.errors import ProviderError, Refused, Throttled, Unreachable
from knowledge.index.cache import indexes
from knowledge.ingestion import add_document
from knowledge.models import Chunking, DocumentVersion, Embedding, Space, Store
from knowledge.providers import breaker as breakers
from knowledge.providers.fallback import breaker
from knowledge.providers.vectors import unit_vectors
from knowledge.retrieval import retrieve
from tests.conftest import AddText
from tests.knowledge.talking import LEAVE, VISIT
from tests.simulators import openai as openai_rules
from tests.simulators.faults import Answer, Cut, Empty, Garbage, Hang, Redirect, Reset, Status
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.openai import OpenAISimulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("few_certificates")]

QUESTION = "How many days of parental leave?"


@pytest.fixture
def restart() -> Callable[[], None]:
    """What a new process starts without."""

    def forget() -> None:
        embedder.cache_clear()
        breaker.cache_clear()
        indexes.clear()

    return forget


def put(space: Space, text: str, name: str = "hr.txt") -> DocumentVersion:
    return finish(add_document(space, name, text.encode()).version)


def models_of_vectors() -> set[str]:
    return set(Embedding.objects.values_list("model__name", flat=True))


@pytest.mark.parametrize(
    ("chosen", "provider", "dimensions"),
    [("auto", "gemini", 768), ("gemini", "gemini", 768), ("openai", "openai", 768)],
)
def test_a_new_store_takes_the_model_that_is_configured(
    gemini: GeminiSimulator,
    openai: OpenAISimulator,
    settings: Settings,
    chosen: str,
    provider: str,
    dimensions: int,
) -> None:
    settings.EMBEDDINGS = chosen
    model = choose_model()
    assert (model.provider, model.dimensions) == (provider, dimensions)


def test_openai_is_next_and_local_the_last(openai: OpenAISimulator, settings: Settings) -> None:
    assert choose_model().provider == "openai"
    Store.objects.all().delete()
    settings.EMBEDDINGS = "local"
    assert (choose_model().provider, choose_model().dimensions) == ("local", 384)
    assert len(openai.requests) == 1


def test_without_any_provider_it_is_the_local_model() -> None:
    assert choose_model().provider == "local"


def test_an_address_alone_counts_as_configured(gemini: GeminiSimulator, settings: Settings) -> None:
    settings.GOOGLE_API_KEY, gemini.key = "", None
    assert choose_model().provider == "gemini"


def test_a_store_keeps_its_model_when_settings_change(
    add_text: AddText,
    openai: OpenAISimulator,
    settings: Settings,
    restart: Callable[[], None],
    team: Space,
) -> None:
    add_text(LEAVE)
    with GeminiSimulator() as gemini:
        settings.GEMINI_BASE_URL = gemini.url
        restart()
        add_text(VISIT, "visits.txt")
        settings.EMBEDDINGS = "local"
        restart()
        add_text("Lunch is served at noon in the canteen.", "lunch.txt")
        assert gemini.requests == []
    assert models_of_vectors() == {"text-embedding-3-small"}


@pytest.mark.parametrize("moment", ["ingest", "query", "restart"])
def test_a_provider_that_flips_never_mixes_vectors(
    gemini: GeminiSimulator,
    settings: Settings,
    restart: Callable[[], None],
    team: Space,
    moment: str,
) -> None:
    """Promise 8, with equal dimensions: another model of Gemini's, and OpenAI's at 768."""
    put(team, LEAVE)
    with OpenAISimulator() as openai:
        settings.OPENAI_BASE_URL = openai.url
        settings.GEMINI_EMBEDDING_MODEL = "gemini-embedding-2"
        settings.EMBEDDINGS = "openai"
        restart()
        if moment == "ingest":
            version = put(team, VISIT, "visits.txt")
            assert version.state == "received" and "gemini-embedding-001" in version.reason
        elif moment == "query":
            assert retrieve(QUESTION, [team], 3).terms_only
        else:
            restart()
            assert choose_model().name == "gemini-embedding-001"
        assert openai.requests == []
    assert models_of_vectors() == {"gemini-embedding-001"}
    assert active_model() == choose_model()


def test_a_query_with_another_model_falls_back_to_terms_and_says_so(
    gemini: GeminiSimulator, settings: Settings, restart: Callable[[], None], team: Space
) -> None:
    put(team, LEAVE)
    assert not retrieve(QUESTION, [team], 3).terms_only
    settings.GEMINI_EMBEDDING_MODEL = "gemini-embedding-2"
    restart()
    asked = len(gemini.requests)
    found = retrieve(QUESTION, [team], 3)
    assert found.terms_only and found.passages[0].text == LEAVE
    assert len(gemini.requests) == asked
    settings.GEMINI_EMBEDDING_MODEL = "gemini-embedding-001"
    restart()
    assert not retrieve(QUESTION, [team], 3).terms_only


def test_a_model_whose_provider_is_gone_is_not_called(
    gemini: GeminiSimulator, settings: Settings, restart: Callable[[], None], team: Space
) -> None:
    """Its public address must not get the questions of a store that was taken off it."""
    put(team, LEAVE)
    settings.GOOGLE_API_KEY = settings.GEMINI_BASE_URL = ""
    restart()
    model = active_model()
    assert model is not None
    with pytest.raises(ProviderError, match="not configured"):
        embed([QUESTION], model, query=True)
    assert retrieve(QUESTION, [team], 3).terms_only


def test_a_model_that_changes_its_dimensions_is_not_used(
    openai: OpenAISimulator,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    team: Space,
) -> None:
    monkeypatch.setitem(openai_rules.EMBEDDING_MODELS, "own-model", 512)
    settings.OPENAI_EMBEDDING_MODEL = "own-model"
    put(team, LEAVE)
    monkeypatch.setitem(openai_rules.EMBEDDING_MODELS, "own-model", 256)
    assert retrieve(QUESTION, [team], 3).terms_only
    assert put(team, VISIT, "visits.txt").state == "received"


@pytest.mark.parametrize(
    "fault",
    [
        Status(400),
        Status(401),
        Status(429, retry_after=30),
        Status(500),
        Status(503),
        Hang(),
        Hang(after=1),
        Reset(),
        Reset(after=1),
        Cut(after=1),
        Garbage(),
        Empty(),
        Redirect("http://127.0.0.1:9"),
    ],
    ids=str,
)
@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_the_words_alone_are_searched_while_the_model_is_down(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    fault: Status | Hang | Reset | Cut | Garbage | Empty | Redirect,
    team: Space,
) -> None:
    module = pytest.importorskip(f"knowledge.providers.{provider}")
    monkeypatch.setattr(module, "QUERY_TIMEOUT", 300 if provider == "gemini" else 0.3)
    server = request.getfixturevalue(provider)
    put(team, LEAVE)
    server.faults.next(fault, on="embed")
    started = time.monotonic()
    found = retrieve(QUESTION, [team], 3)
    assert found.terms_only and found.passages[0].text == LEAVE
    assert time.monotonic() - started < 2


def test_a_query_waits_for_three_seconds_at_most(
    gemini: GeminiSimulator, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(team, LEAVE)
    gemini.faults.always(Hang(), on="embed")
    started = time.monotonic()
    assert retrieve(QUESTION, [team], 3).terms_only
    assert 2.5 < time.monotonic() - started < 4


def test_a_model_that_hangs_rests_and_questions_go_on_at_once(
    openai: OpenAISimulator, team: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = pytest.importorskip("knowledge.providers.openai")
    monkeypatch.setattr(module, "QUERY_TIMEOUT", 0.2)
    put(team, LEAVE)
    asked = len(openai.requests)
    openai.faults.always(Hang(), on="embed")
    for _ in range(6):
        assert retrieve(QUESTION, [team], 3).terms_only
    assert len(openai.requests) - asked == breakers.FAILURES


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_the_delay_asked_for_is_obeyed_by_queries_and_by_ingest(
    request: pytest.FixtureRequest, provider: str, team: Space
) -> None:
    """Promise 18."""
    server = request.getfixturevalue(provider)
    put(team, LEAVE)
    server.faults.next(Status(429, retry_after=1.2), on="embed")
    for _ in range(3):
        assert retrieve(QUESTION, [team], 3).terms_only
    assert put(team, VISIT, "visits.txt").state == "received"
    refused = len(server.requests)
    time.sleep(1.25)
    assert not retrieve(QUESTION, [team], 3).terms_only
    assert server.requests[-1].arrived - server.requests[refused - 1].arrived >= 1.2


@pytest.mark.parametrize("fault", [Status(503), Status(429), Reset(), Garbage(), Empty()], ids=str)
def test_a_failure_at_ingest_publishes_nothing_and_is_tried_again(
    gemini: GeminiSimulator, team: Space, fault: Status | Reset | Garbage | Empty
) -> None:
    put(team, LEAVE)
    gemini.faults.always(fault, on="embed")
    version = put(team, VISIT, "visits.txt")
    assert (version.state, version.attempts) == ("received", 1)
    assert version.reason
    assert version.document.current is None
    assert not Chunking.objects.filter(version=version, published_revision__isnull=False).exists()
    gemini.faults.clear()
    DocumentVersion.objects.filter(pk=version.pk).update(lease_until=None)
    assert work_on_next()
    version.refresh_from_db()
    assert version.state == "ready"
    assert retrieve("Who signs the book at the front desk?", [team], 3).passages[0].document == (
        "visits.txt"
    )


def test_a_failure_half_way_through_a_long_file_publishes_nothing(
    gemini: GeminiSimulator, team: Space, settings: Settings
) -> None:
    put(team, LEAVE)
    settings.CHUNK_SIZE, settings.CHUNK_OVERLAP = 60, 0
    gemini.faults.next(Answer(), Answer(), Status(503), on="embed")
    text = " ".join(f"Visitor number {n} signs the book at the desk." for n in range(140))
    version = put(team, text, "visits.txt")
    assert version.state == "received" and version.document.current is None
    assert Embedding.objects.filter(chunk__chunking__version=version).exists()  # half of them
    assert [p.document for p in retrieve("Visitor number 7", [team], 3).passages] == ["hr.txt"]
    DocumentVersion.objects.filter(pk=version.pk).update(lease_until=None)
    assert work_on_next()
    found = retrieve("Visitor number 7", [team], 3)
    assert {passage.document for passage in found.passages} == {"visits.txt"}
    assert Chunking.objects.filter(version=version).count() == 1


def test_a_new_store_takes_the_next_model_where_the_first_is_down(
    gemini: GeminiSimulator, team: Space
) -> None:
    gemini.faults.always(Status(503), on="embed")
    assert put(team, LEAVE).state == "ready"
    chosen = active_model()
    assert chosen is not None
    assert chosen.provider == "local"


def test_the_first_ingest_without_the_model_that_is_set_chooses_none(
    gemini: GeminiSimulator, settings: Settings, team: Space
) -> None:
    settings.EMBEDDINGS = "gemini"
    gemini.faults.always(Status(503), on="embed")
    assert put(team, LEAVE).state == "received"
    assert active_model() is None


def test_a_list_that_becomes_one_vector_is_embedded_text_by_text(
    gemini: GeminiSimulator, settings: Settings, team: Space
) -> None:
    settings.GEMINI_EMBEDDING_MODEL = "gemini-embedding-2"
    model = choose_model()
    together = embed([LEAVE, VISIT, QUESTION], model)
    alone = [embed([text], model)[0] for text in (LEAVE, VISIT, QUESTION)]
    assert np.allclose(together, alone)
    assert not np.allclose(together[0], together[1], atol=0.1)


@pytest.mark.parametrize("provider", ["gemini", "openai"])
def test_more_texts_than_fit_into_one_request(
    request: pytest.FixtureRequest, provider: str
) -> None:
    server = request.getfixturevalue(provider)
    model = choose_model()
    texts = [f"the text with the number {n}" for n in range(150)]
    asked = len(server.requests)
    vectors = embed(texts, model)
    assert vectors.shape == (150, model.dimensions) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert len(server.requests) - asked == 2
    for n in (0, 99, 100, 149):
        assert np.allclose(vectors[n], embed([texts[n]], model)[0], atol=1e-5)


def test_a_model_without_dimensions_is_not_asked_for_some(
    openai: OpenAISimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(openai_rules.EMBEDDING_MODELS, "nomic-embed-text", 768)
    settings.OPENAI_EMBEDDING_MODEL = "nomic-embed-text"
    assert choose_model().dimensions == 768
    assert all("dimensions" not in request.body for request in openai.requests)


def test_a_model_that_can_cut_is_asked_to(openai: OpenAISimulator) -> None:
    assert choose_model().dimensions == 768
    assert openai.requests[0].body["dimensions"] == 768


def test_more_dimensions_than_are_kept_are_refused(
    openai: OpenAISimulator, settings: Settings, team: Space
) -> None:
    settings.EMBEDDINGS = "openai"
    settings.OPENAI_EMBEDDING_MODEL = "text-embedding-ada-002"
    with pytest.raises(ProviderError, match="1536 dimensions; Askwell keeps at most 768"):
        choose_model()
    version = put(team, LEAVE)
    assert version.state == "received" and "1536" in version.reason
    assert active_model() is None


@pytest.mark.parametrize(
    "rows",
    [
        [[0.0, 0.0]],
        [[1.0, float("nan")]],
        [[float("inf"), 1.0]],
        [[1e300, 1e300]],
        [[]],
        [[1.0, 0.0], [1.0]],
        [[1.0, 0.0], []],
        [["a", "b"]],
        [[1.0, None]],
        [None],
        ["text"],
    ],
    ids=str,
)
def test_vectors_that_hold_nothing_are_refused(rows: list[list[float]]) -> None:
    with pytest.raises(Unreachable):
        unit_vectors(rows)


def test_each_providers_errors_are_classified_at_embedding_too(
    gemini: GeminiSimulator, openai: OpenAISimulator
) -> None:
    for provider, server in (("gemini", gemini), ("openai", openai)):
        server.faults.next(Status(401), Status(429, retry_after=9), Status(500))
        for error, delay in ((Refused, 0), (Throttled, 9), (Unreachable, 0)):
            with pytest.raises(error) as caught:
                embedding.embedder(provider).embed(["text"])
            assert caught.value.retry_after == delay


def test_an_address_that_is_none_is_an_error_of_ours(settings: Settings) -> None:
    settings.GEMINI_BASE_URL = settings.OPENAI_BASE_URL = "http://["
    for provider in ("gemini", "openai"):
        embedder.cache_clear()
        with pytest.raises(Unreachable):
            embedder(provider).embed(["text"])
    embedder.cache_clear()
