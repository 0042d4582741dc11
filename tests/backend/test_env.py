"""Settings come from the environment and from `.env`, and a wrong one stops the start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from backend.env import env, prepare_folder, read


def started(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process and an environment of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "backend.settings", **environment},
        capture_output=True,
        text=True,
    )


def test_a_value_in_the_env_file_counts_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("ASKWELL_ONE=5\nASKWELL_TWO=6\nASKWELL_THREE=\n")
    monkeypatch.setenv("ASKWELL_TWO", "7")
    env.read_env(str(tmp_path / ".env"), recurse=False)
    assert read("int", "ASKWELL_ONE", 1) == 5
    assert read("int", "ASKWELL_TWO", 1) == 7
    assert read("int", "ASKWELL_THREE", 1) == 1


def test_a_list_may_be_written_with_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKWELL_LIST", " documents, /mnt/the team ,, ")
    assert read("list", "ASKWELL_LIST", []) == ["documents", "/mnt/the team"]
    folders = [Path("documents"), Path("/mnt/the team")]
    assert read("list", "ASKWELL_LIST", [], subcast=Path) == folders
    monkeypatch.setenv("ASKWELL_LIST", " , ")
    assert read("list", "ASKWELL_LIST", ["documents"]) == ["documents"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=r"DATA_DIR=.*file can't be used"):
        prepare_folder(tmp_path / "file")


def test_an_address_that_is_none_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    ran = started("check", DATA_DIR=str(tmp_path), GEMINI_BASE_URL="nonsense")
    assert ran.returncode == 1
    assert "GEMINI_BASE_URL" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_any_command_may_be_the_first(tmp_path: Path) -> None:
    ran = started("documents", "--json", DATA_DIR=str(tmp_path / "new"))
    assert (ran.returncode, ran.stdout.strip()) == (0, "[]")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/api/health/"])
def test_foreign_host_names_are_refused(client: Client, path: str) -> None:
    assert client.get(path, headers={"host": "evil.example"}).status_code == 400
