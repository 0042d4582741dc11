"""What stands below an answer, from its rows."""

from backend.chat.models import Source
from bot import messages, wording
from bot.models import InboxItem
from bot.platforms import Closing


def closing_of(item: InboxItem) -> Closing | None:
    """Sources, notices and buttons of the item's answer; None where there is none."""
    answer = item.answer
    if answer is None:
        return None
    notices = [answer.notice, wording.NO_FILES_HERE if item.with_files else ""]
    sources = answer.sources.select_related("version__document", "section")
    return Closing(
        [_source(source) for source in sources],
        " ".join(notice for notice in notices if notice),
        rated=item.pk,
        shared=item.pk if item.private and not item.direct else None,
    )


def _source(source: Source) -> messages.Source:
    page = source.section.page if source.section else None
    return messages.Source(source.number, source.version.document.name, page, source.excerpt)
