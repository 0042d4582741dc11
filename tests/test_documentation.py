"""What the documents say exists, and what exists stands in the documents."""

import argparse
import ast
import re
import runpy
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand
from django.urls import resolve

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
DECISIONS = ROOT / "docs" / "decisions"
REQUIREMENTS = [
    "requirements.txt",
    "requirements-s3.txt",
    "requirements-cloudinary.txt",
    "requirements-dev.txt",
]
SUFFIXES = {".py", ".md", ".js", ".css", ".html"}

# The outside contract: names that scripts and users rely on, as far as they are built.
CONTRACT_SETTINGS = {
    "DATA_DIR",
    "PORT",
    "SECRET_KEY",
    "DEBUG",
    "ALLOWED_HOSTS",
    "GOOGLE_API_KEY",
    "GEMINI_BASE_URL",
    "GEMINI_CHAT_MODEL",
    "GEMINI_EMBEDDING_MODEL",
    "OPENAI_API_KEY",
    "OPENROUTER_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_CHAT_MODEL",
    "OPENAI_EMBEDDING_MODEL",
    "EMBEDDINGS",
    "GENERAL_ANSWERS",
    "CHUNK_SIZE",
    "CHUNK_OVERLAP",
    "TOP_K",
    "SIMILARITY_THRESHOLD",
    "WATCH_FOLDERS",
    "OCR_TEXT_COVERAGE_THRESHOLD",
    "OCR_BOX_DENSITY_THRESHOLD",
    "OCR_CONFIDENCE_THRESHOLD",
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "DISCORD_TOKEN",
    "DISCORD_API_URL",
    "DISCORD_GATEWAY_URL",
    "DISCORD_MESSAGE_CONTENT",
    "BACKUP_KEEP",
    "CHAT_RETENTION_DAYS",
    "CLEAN_HISTORY_INTERVAL",
    "MEND_INTERVAL",
    "REFRESH_PEOPLE_INTERVAL",
    "PURGE_INTERVAL",
    "REINDEX_INTERVAL",
    "DIGEST_INTERVAL",
    "REEMBED_INTERVAL",
    "BACKUP_INTERVAL",
}
CONTRACT_COMMANDS: dict[str, set[str]] = {
    "rebuild_vectorstore": {"--chunk-size", "--chunk-overlap", "--show-stats"},
    "check_ai_status": {"--json"},
    "ingest": {"--space", "--json"},
    "documents": {"--json"},
    "remove": set(),
    "search": {"--queries", "-k", "--as", "--json"},
    "ask": {"--as", "--json"},
    "evaluate": {"--json"},
    "run_worker": set(),
    "run_bot": {"--platform"},
    "claim": {"--team-role"},
    "role": set(),
    "sign_in_link": set(),
    "doctor": set(),
    "backup": set(),
    "restore": set(),
    "reembed": {"--to", "--rollback"},
}
CONTRACT_TARGETS = {"setup", "run", "test", "check", "bench", "soak"}
CONTRACT_PROCESSES = {"web", "worker", "bot", "scheduler"}


def rows_of(heading: str) -> list[list[str]]:
    """The cells of every table row in this section of the README, without the tables' heads."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert section is not None, f"the README has no section {heading}"
    found: list[list[str]] = []
    for line in section[1].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if set(line) <= set("|- ") and line.strip():
            found.pop()  # what stood above the dashes was the head
        elif line.startswith("|"):
            found.append(cells)
    return found


def in_code(cell: str) -> list[str]:
    """The stretches between backticks."""
    return re.findall(r"`([^`]+)`", cell)


def without_repeats(names: Iterable[str]) -> set[str]:
    listed = list(names)
    assert len(listed) == len(set(listed)), f"listed twice: {sorted(listed)}"
    return set(listed)


def settings_read() -> set[str]:
    tree = ast.parse((ROOT / "backend" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [call.args[1] for call in calls if is_read(call)]
    assert all(isinstance(name, ast.Constant) for name in names), "a setting's name is computed"
    return without_repeats(str(ast.literal_eval(name)) for name in names)


def is_read(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "read"


def example_values() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line.strip() and not line.startswith("#")]
    without_repeats(name for name, _ in pairs)
    return dict(pairs)


def command_files() -> set[str]:
    folder = ROOT / "management" / "management" / "commands"
    return {path.stem for path in folder.glob("*.py")} - {"__init__"}


def documented_commands() -> dict[str, set[str]]:
    """Each command of the README's table with the options that its first cell shows."""
    commands: dict[str, set[str]] = {}
    for first, *_ in rows_of("Commands"):
        for usage in in_code(first):
            options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", usage))
            commands.setdefault(usage.split()[0], set()).update(options)
    return commands


def options_of(command: str) -> set[str]:
    """The command's own options, beside those that every Django command has."""
    own = all_options(load_command_class("management", command))
    return own - all_options(BaseCommand())


def all_options(command: BaseCommand) -> set[str]:
    parser: argparse.ArgumentParser = command.create_parser("manage.py", "command")
    return {option for action in parser._actions for option in action.option_strings}


def requirements(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    kept = [line for line in lines if line.strip() and not line.startswith(("#", "-r"))]
    return dict(re.split(r"(?==)", line, maxsplit=1) for line in kept)


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))


def processes() -> set[str]:
    return set(re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.MULTILINE))


def top_level_packages() -> set[str]:
    return {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def text_files() -> list[Path]:
    packages = [ROOT / name for name in [*top_level_packages(), "docs", "tests"]]
    files = [path for folder in packages for path in folder.rglob("*") if path.suffix in SUFFIXES]
    return [*files, *(path for path in ROOT.iterdir() if path.suffix in {".md", ".toml"})]


def test_every_setting_that_is_read_stands_in_the_readme_and_no_other() -> None:
    documented = without_repeats(name for row in rows_of("Settings") for name in in_code(row[0]))
    assert documented == settings_read()


def test_every_setting_that_is_read_stands_in_the_example_and_no_other() -> None:
    assert set(example_values()) == settings_read()


def test_a_copied_example_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def settings_with(values: dict[str, str]) -> dict[str, Any]:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        # An empty key would be generated into the folder of the developer's own store.
        monkeypatch.setenv("SECRET_KEY", "fixed")
        read = runpy.run_path(str(ROOT / "backend" / "settings.py"))
        return {name: value for name, value in read.items() if name in settings_read()}

    plain = settings_with(dict.fromkeys(settings_read(), ""))
    assert settings_with(example_values()) == plain


def test_every_command_stands_in_the_readme_and_no_other() -> None:
    assert set(documented_commands()) == command_files()


@pytest.mark.parametrize("command", sorted(command_files()))
def test_a_commands_options_stand_in_the_readme_and_no_other(command: str) -> None:
    assert documented_commands()[command] == options_of(command)


def test_the_contracts_settings_exist() -> None:
    assert settings_read() >= CONTRACT_SETTINGS


def test_the_contracts_commands_exist_with_their_options() -> None:
    assert CONTRACT_COMMANDS.keys() <= command_files()
    for command, options in CONTRACT_COMMANDS.items():
        assert options <= options_of(command), command


def test_the_contracts_make_targets_processes_and_health_check_exist() -> None:
    assert make_targets() >= CONTRACT_TARGETS
    assert processes() >= CONTRACT_PROCESSES
    assert resolve("/api/health/")


def test_every_make_target_of_the_documents_exists_and_the_contracts_stand_in_the_readme() -> None:
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE))
    assert named <= make_targets()
    listed = without_repeats(in_code(row[0])[0] for row in rows_of("Make targets"))
    assert listed == {f"make {target}" for target in CONTRACT_TARGETS}


def test_every_process_stands_in_the_readme_and_no_other() -> None:
    listed = without_repeats(name for row in rows_of("Processes") for name in in_code(row[0]))
    assert listed == processes()


def test_every_requirement_has_its_line_in_the_readme_and_no_other() -> None:
    listed = [name for row in rows_of("Dependencies") for name in in_code(row[0])]
    required = {name for file in REQUIREMENTS for name in requirements(file)}
    installed_alone = re.findall(r"--no-deps ([\w-]+)==", MAKEFILE)
    assert without_repeats(listed) == {*required, *installed_alone}
    assert all(row[1] for row in rows_of("Dependencies"))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_to_one_version(name: str) -> None:
    loose = {p: v for p, v in requirements(name).items() if not re.fullmatch(r"==[\w.]+", v)}
    assert not loose


def test_decisions_are_numbered_in_a_row_and_have_the_same_parts() -> None:
    pages = sorted(DECISIONS.iterdir())
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]} "), page.name
        parts = ["Context", "Decision", "Why", "Consequences"]
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == parts, page.name


def test_every_decision_that_is_named_anywhere_exists() -> None:
    pages = {page.name for page in DECISIONS.iterdir()}
    for path in text_files():
        named = set(re.findall(r"\b\d{4}-[a-z][a-z-]*\.md\b", path.read_text()))
        assert named <= pages, path


def test_every_link_to_a_file_of_the_project_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *DECISIONS.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_layers_name_every_package() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    (contract,) = tools["importlinter"]["contracts"]
    assert contract["layers"] == ["management", "bot", "backend", "knowledge"]
    assert set(contract["layers"]) == top_level_packages()
    assert set(tools["importlinter"]["root_packages"]) == top_level_packages()
    assert set(tools["mypy"]["packages"]) == top_level_packages() | {"tests"}
