"""Commands that administer and diagnose, and what only a process of its own can show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as configured
from pytest_django import Settings

from backend.accounts.models import Identity, Membership, Role, Standing, User
from backend.accounts.people import installation_of
from backend.accounts.spaces import home
from knowledge.models import Document, DocumentVersion, Space
from tests.conftest import AddText
from tests.management.commands import HR, failure, run, run_json


def test_check_ai_status_tells_of_each_provider(db: None) -> None:
    report = run_json("check_ai_status")

    assert report["active"] == "extractive"
    assert list(report["providers"]) == ["gemini", "openai", "extractive"]
    for state in report["providers"].values():
        assert {
            "configured", "reachable", "chat_model", "embedding_model", "dimensions", "latency_ms"
        } <= set(state)  # fmt: skip
    assert report["providers"]["gemini"]["configured"] is False
    assert report["providers"]["extractive"]["dimensions"] == 384
    assert "extractive (active)" in run("check_ai_status")


def test_a_sign_in_link_makes_the_user(db: None) -> None:
    link = run("sign_in_link", "Eva@Example.org").strip()

    assert link.startswith("http://127.0.0.1:8000/sign-in/")
    assert Membership.objects.get().user == User.objects.get(email="eva@example.org")
    assert "is not an e-mail address" in failure("sign_in_link", "eva")


def test_role_makes_an_admin(member: User) -> None:
    assert run("role", "member@example.org", "admin") == "member@example.org is now admin.\n"
    assert Membership.objects.get(user=member, workspace=home()).role == Role.ADMIN
    assert "is no platform" in failure("role", "irc/U1", "admin")
    assert "Nobody is known as slack/U1" in failure("role", "slack/U1", "admin")


def test_role_says_so_where_the_last_admin_is_one_no_longer(admin: User, member: User) -> None:
    said = run("role", "admin@example.org", "member")
    assert said.endswith("home has no admin now.\n")
    assert "no admin" not in run("role", "member@example.org", "admin")


@pytest.mark.parametrize("standing", Standing.values)
def test_only_the_team_gets_roles(member: User, standing: str) -> None:
    Identity.objects.create(
        installation=installation_of("slack", "T1"),
        external_id="U1",
        user=member,
        standing=standing,
    )
    if standing == Standing.TEAM:
        assert run("role", "slack/U1", "admin") == "slack/U1 is now admin.\n"
    else:
        assert "is not one of the team" in failure("role", "slack/U1", "admin")


def test_doctor_notes_only_failures_that_still_stand(
    team: Space, add_text: AddText, settings: Settings
) -> None:
    add_text(HR, name="hr.txt")
    document = Document.objects.get()
    document.versions.update(number=2)
    DocumentVersion.objects.create(
        document=document, number=1, sha256="0" * 64, size=1, state="failed", reason="old trouble"
    )
    settings.DATA_DIR = Path(configured.MEDIA_ROOT).parent

    assert "old trouble" not in run("doctor")


def test_doctor_says_which_package_text_recognition_needs(
    team: Space, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.DATA_DIR = Path(configured.MEDIA_ROOT).parent
    monkeypatch.setenv("PATH", str(tmp_path))
    (line,) = [line for line in run("doctor").splitlines() if "Tesseract" in line]
    assert line.startswith("note") and "tesseract-ocr" in line


def test_doctor_exits_with_an_error_where_something_would_fail(
    team: Space, settings: Settings, tmp_path: Path
) -> None:
    settings.LOCAL_MODEL_DIR = tmp_path

    with pytest.raises(SystemExit) as stop:
        run("doctor")
    assert stop.value.code == 1


def process(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=configured.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "DATA_DIR": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "many"), ("EMBEDDINGS", "mine"), ("CHUNK_SIZE", "7")]
)
def test_a_wrong_environment_value_stops_the_start_with_a_sentence(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = process(tmp_path, "manage.py", "check", **{name: value})

    assert ended.returncode == 1 and ended.stdout == ""
    assert "Askwell can't start" in ended.stderr and name in ended.stderr
    assert "Traceback" not in ended.stderr


HEAVY = "faiss google.genai openai ctranslate2 tokenizers slack_bolt slack_sdk aiohttp"


@pytest.mark.parametrize(
    "code",
    [
        "import knowledge",
        "import manage; import sys; sys.argv[1:] = ['check']; manage.main()",
    ],
    ids=["import knowledge", "manage.py check"],
)
def test_starting_loads_no_heavy_library(tmp_path: Path, code: str) -> None:
    shown = f"import sys; print('loaded', [n for n in '{HEAVY}'.split() if n in sys.modules])"
    ended = process(tmp_path, "-c", f"{code}\n{shown}")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "loaded []"
