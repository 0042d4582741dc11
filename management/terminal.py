"""What commands print: JSON alone where it is asked for, progress on a terminal, plain errors."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from backend.accounts.audience import Place
from backend.accounts.models import User
from backend.accounts.spaces import home

Item = TypeVar("Item")


def print_json(command: BaseCommand, value: Any) -> None:
    command.stdout.write(json.dumps(value, ensure_ascii=False))


def progress(items: Sequence[Item], what: str) -> Iterable[Item]:
    """The items, with a bar on standard error where that is a terminal."""
    bar: Iterable[Item] = tqdm(
        items, desc=what, file=sys.stderr, disable=not sys.stderr.isatty(), leave=False
    )
    return bar


def place_for(email: str | None) -> Place:
    """The terminal's place: of home's team, or of the user named by `--as`."""
    if email is None:
        return Place(home())
    return Place(home(), user=user_named(email))


def user_named(email: str) -> User:
    try:
        return User.objects.get(email=email.strip().lower())
    except User.DoesNotExist:
        raise CommandError(
            f"No user has the address {email}. `sign_in_link {email}` makes one."
        ) from None
