"""Files that people share in Slack: what they are, where they are shared, and their bytes."""

from typing import Any

from django.conf import settings

from bot import wording_files
from bot.downloads import fetch
from bot.errors import FileGone, FileTooLarge, FileWithheld, ForeignFile, NotSharedHere, Refused
from bot.hosts import Allowed, allowed_from
from bot.incoming import SharedFile
from bot.slack.api import SlackApi
from knowledge.extraction import MAX_BYTES

JSON = dict[str, Any]
# Files lie at files.slack.com, and are sent on to a signed address of the other two.
HOSTS, KEYED = (".slack.com", ".slack-edge.com", ".slack-files.com"), (".slack.com",)
HTML = "text/html"
SCOPE = "files:read"


def shared_files(message: JSON) -> list[SharedFile]:
    """The files of a message, as far as it says what they are. Pure."""
    return [_file(file) for file in message.get("files") or () if file.get("mode") != "tombstone"]


def _file(file: JSON) -> SharedFile:
    """Without an address where the file is remote: whoever added it chose that, and may have chosen
    another file's in Slack."""
    url = file.get("url_private_download") or file.get("url_private")
    return SharedFile(
        id=str(file["id"]),
        name=str(file.get("name") or file.get("title") or ""),
        size=int(file.get("size") or 0),
        mime=str(file.get("mimetype") or ""),
        url="" if file.get("is_external") else str(url or ""),
    )


async def look_up(api: SlackApi, file: SharedFile, channel: str, message: str) -> SharedFile:
    """What the file is, from Slack itself, if it is shared in this message.

    Raises DownloadFailed, and DeliveryError where Slack does not say.
    """
    try:
        found = (await api.call("files.info", file=file.id))["file"]
    except Refused as error:
        if error.needed or error.code == "missing_scope":
            said = wording_files.SCOPE_MISSING.format(scope=error.needed or SCOPE)
            raise FileWithheld(said) from None
        raise FileGone() from None
    if found.get("is_external"):
        raise ForeignFile()
    if not _is_shared(found, channel, message):
        raise NotSharedHere()
    known = _file(found)
    if not known.url:
        raise FileWithheld()
    return known


def _is_shared(found: JSON, channel: str, message: str) -> bool:
    """Slack files direct messages under private."""
    shares = found.get("shares") or {}
    places = [shares.get(kind, {}).get(channel) or () for kind in ("public", "private")]
    return any(share.get("ts") == message for place in places for share in place)


async def read(api: SlackApi, file: SharedFile) -> bytes:
    """The bytes of a file that was looked up. Raises DownloadFailed."""
    if file.size > MAX_BYTES:
        raise FileTooLarge(MAX_BYTES)
    headers = {"Authorization": f"Bearer {api.client.token}"}
    got = await fetch(file.url, headers=headers, allowed=_allowed())
    # Whoever may not have the file gets the page to sign in, and HTTP 200.
    if got.mime == HTML and (file.mime != HTML or len(got.data) != file.size):
        raise FileWithheld(wording_files.A_PAGE_INSTEAD)
    return got.data


def _allowed() -> Allowed:
    return allowed_from(settings.SLACK_API_URL, "slack.com", hosts=HOSTS, keyed=KEYED)
