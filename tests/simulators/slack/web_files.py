"""Files that the app hands over: an address to send them to, the bytes, then where they go."""

from mimetypes import guess_type

from tests.simulators.slack import events
from tests.simulators.slack.core import Core
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.limits import decoded
from tests.simulators.slack.state import JSON, File
from tests.simulators.slack.web_chat import new_message, required, visible_channel


def upload_url(core: Core, args: JSON) -> JSON:
    required(args, "filename", "length")
    world = core.world
    name = str(args["filename"])
    kind = guess_type(name)[0] or "application/octet-stream"
    file = File(world.new_id("F"), name, world.app.user_id, b"", kind)
    core.uploads[file.id] = (file, int(args["length"]))
    return {"upload_url": f"{core.origin}/upload/v1/{file.id}", "file_id": file.id}


def receive(core: Core, id_: str, data: bytes) -> tuple[int, str]:
    """The bytes at an upload address: HTTP status and text."""
    if id_ not in core.uploads:
        return 404, "not found"
    file, length = core.uploads[id_]
    if len(data) != length:
        return 400, "wrong length"
    file.data = data
    return 200, f"OK - {len(data)}"


def complete(core: Core, args: JSON) -> JSON:
    required(args, "files")
    files = [_uploaded(core, str(one.get("id"))) for one in decoded(args["files"], "files")]
    if args.get("channel_id"):
        channel = visible_channel(core, args["channel_id"])
        message = new_message(core, channel, {"text": args.get("initial_comment") or "…"})
        for file in files:
            core.world.share(file, message)
        core.world.put(message)
        core.shown("posted", message)
        events.posted(core, message)
    core.world.files |= {file.id: file for file in files}
    return {"files": [{"id": file.id, "title": file.name} for file in files]}


def _uploaded(core: Core, id_: str) -> File:
    if id_ not in core.uploads or len(core.uploads[id_][0].data) != core.uploads[id_][1]:
        raise Refused("file_not_found")
    return core.uploads.pop(id_)[0]
