"""What stands below an answer, from its rows."""

from backend.accounts.audience import Place, readable_keys
from backend.accounts.spaces import team_key
from backend.chat import models
from bot import wording
from bot.models import InboxItem
from bot.platforms import Closing, Source
from bot.shared_files import names_not_read


def closing_of(item: InboxItem, place: Place | None) -> Closing | None:
    """Sources, notices and buttons of the item's answer; None where there is none."""
    answer = item.answer
    if answer is None or place is None:
        return None
    notices = [answer.notice]
    if item.with_files and (names := names_not_read(item)):
        notices.append(wording.FILES_NOT_READ.format(names=", ".join(names)))
    if answer.refused and place.channel is not None and not _is_for_team(place):
        notices.append(wording.GUESTS_HERE)
    sources = answer.sources.select_related("version__document", "section")
    return Closing(
        [_source(source) for source in sources],
        " ".join(notice for notice in notices if notice),
        rated=item.pk,
        shared=item.pk if _may_be_shared(item, place) and not answer.refused else None,
    )


def _may_be_shared(item: InboxItem, place: Place) -> bool:
    """Whether the item may be asked again for others to see."""
    return item.private and not item.direct and place.bot_is_member


def _is_for_team(place: Place) -> bool:
    return team_key(place.workspace) in readable_keys(place)


def _source(source: models.Source) -> Source:
    page = source.section.page if source.section else None
    return Source(source.number, source.version.document.name, page, source.excerpt)
