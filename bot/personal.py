"""`/link`, `/unlink`, `/mydata` and `/forget`: what people do with what is stored about them.

Plain functions over the database, for a place that is private to whoever gave the command. Each
returns what they are told; where it can't be done, that is said.
"""

from dataclasses import dataclass, field

from backend.accounts import linking
from backend.accounts.audience import Place
from backend.accounts.errors import PersonError
from backend.chat.export import Export, export_of
from backend.chat.forgetting import forget as forget_person
from backend.chat.joining import enter_code, part_place
from bot import forgetting, wording
from bot.incoming import Key


@dataclass(frozen=True)
class Handed:
    """What is told, and the file that goes with it; without one it can't be had."""

    text: str
    export: Export | None = None


@dataclass(frozen=True)
class Forgot:
    """What is told, and the keys of what was not answered yet: who works on it is to stop."""

    text: str
    stopped: list[Key] = field(default_factory=list)


def link(place: Place, text: str, name: str) -> str:
    """`/link` gives a code, `/link CODE` takes one. `name` is what others know the person by."""
    code = text.strip()
    try:
        if not code:
            return wording.LINK_CODE.format(code=linking.new_code(place, name))
        entered = enter_code(place, code)
    except PersonError as error:
        return str(error)
    if entered.joined:
        return wording.LINKED
    where = wording.LINK_PLACES[entered.platform or "page"]
    return wording.LINK_WHOSE.format(name=entered.name, where=where, code=code)


def unlink(place: Place) -> str:
    """Part the identity that speaks from the others of the same person."""
    try:
        part_place(place)
    except PersonError as error:
        return str(error)
    return wording.UNLINKED


def mydata(place: Place) -> Handed:
    """What is stored about the person, as a file."""
    try:
        return Handed(wording.MY_DATA, export_of(place))
    except PersonError as error:
        return Handed(str(error))


def forget(place: Place) -> Forgot:
    """Forget the person, here and now."""
    try:
        forget_person(place)
    except PersonError as error:
        return Forgot(str(error))
    return Forgot(wording.FORGOTTEN, forgetting.sweep())
