"""What stands below an answer, from its rows."""

from backend.accounts.audience import Place, readable_keys
from backend.accounts.spaces import team_key
from backend.chat import models
from bot import wording
from bot.models import InboxItem
from bot.platforms import Closing, Source
from bot.shared_files import names_not_read
from knowledge.prepared import Given, Objects, Select

_ANSWER = Objects(lambda: models.Message.objects.filter(pk=Given(0)))
_SOURCES = Select(
    lambda: (
        models.Source.objects.filter(message=Given(0))
        .order_by("number")
        .values_list("number", "version__document__name", "section__page", "excerpt")
    )
)


def closing_of(item: InboxItem, place: Place | None) -> Closing | None:
    """Sources, notices and buttons of the item's answer; None where there is none."""
    answer = _ANSWER.first(item.answer_id) if item.answer_id else None
    if answer is None or place is None:
        return None
    notices = [answer.notice]
    if item.with_files and (names := names_not_read(item)):
        notices.append(wording.FILES_NOT_READ.format(names=", ".join(names)))
    if answer.refused and place.channel is not None and not _is_for_team(place):
        notices.append(wording.GUESTS_HERE)
    return Closing(
        [Source(*source) for source in _SOURCES(answer.pk)],
        " ".join(notice for notice in notices if notice),
        rated=item.pk,
        shared=item.pk if _may_be_shared(item, place) and not answer.refused else None,
    )


def _may_be_shared(item: InboxItem, place: Place) -> bool:
    """Whether the item may be asked again for others to see."""
    return item.private and not item.direct and place.bot_is_member


def _is_for_team(place: Place) -> bool:
    return team_key(place.workspace) in readable_keys(place)
