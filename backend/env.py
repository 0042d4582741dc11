"""Settings from the environment and `.env`. A wrong value stops the start with a sentence."""

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError

env = Env()
LIST = "list"


def read(kind: str, name: str, default: Any, **options: Any) -> Any:
    """The value of `name` as environs reads a `kind` ("int", "str", "bool", "list", …).

    An empty value counts as unset, as in a copied `.env.example`. What stands between the commas
    of a list may be written with blanks around it, and what is empty there does not count.
    """
    if not env.str(name, "").strip():
        return default
    try:
        if kind == LIST:
            return _items(name, **options) or default
        return getattr(env, kind)(name, **options)
    except EnvError as error:
        told = " ".join(getattr(error, "error_messages", [str(error)]))
        raise ImproperlyConfigured(
            f"{name}: {told} Correct it in .env or the environment."
        ) from None


def _items(name: str, subcast: Callable[[str], Any] = str) -> list[Any]:
    written: list[str] = env.list(name)
    return [subcast(item.strip()) for item in written if item.strip()]


def prepare_folder(folder: Path) -> None:
    """Make the folder, for its owner only, unless it is there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR={folder} can't be used ({error.strerror}). Name a folder that can be "
            "written to."
        ) from None
    if not os.access(folder, os.W_OK):
        raise ImproperlyConfigured(f"DATA_DIR={folder} can't be written to.")


def secret_key(folder: Path) -> str:
    """The generated key, made on first use and readable by its owner only."""
    path = folder / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(key := secrets.token_urlsafe(48))
    return key


if __name__ == "__main__":  # python -m backend.env NAME prints a setting, for the Makefile
    from django.conf import settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
    print(getattr(settings, sys.argv[1]))  # noqa: T201
