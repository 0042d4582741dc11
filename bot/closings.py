"""What stands below an answer, from its rows."""

from backend.accounts.audience import Place, readable_keys
from backend.accounts.spaces import team_key
from backend.chat.models import Source
from bot import messages, wording
from bot.models import InboxItem
from bot.platforms import Closing


def closing_of(item: InboxItem, place: Place | None) -> Closing | None:
    """Sources, notices and buttons of the item's answer; None where there is none."""
    answer = item.answer
    if answer is None or place is None:
        return None
    notices = [answer.notice, wording.NO_FILES_HERE if item.with_files else ""]
    if answer.refused and place.channel is not None and not _is_for_team(place):
        notices.append(wording.GUESTS_HERE)
    sources = answer.sources.select_related("version__document", "section")
    return Closing(
        [_source(source) for source in sources],
        " ".join(notice for notice in notices if notice),
        rated=item.pk,
        shared=item.pk if item.private and not item.direct else None,
    )


def _is_for_team(place: Place) -> bool:
    return team_key(place.workspace) in readable_keys(place)


def _source(source: Source) -> messages.Source:
    page = source.section.page if source.section else None
    return messages.Source(source.number, source.version.document.name, page, source.excerpt)
