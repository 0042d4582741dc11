"""REST: answering an interaction, and its webhook for fifteen minutes."""

import time

from tests.simulators.discord import posting, shapes, validating
from tests.simulators.discord.core import Core, Interaction, as_json
from tests.simulators.discord.errors import Refused, invalid, too_long
from tests.simulators.discord.rest import Answer, Ask, route
from tests.simulators.discord.state import EPHEMERAL, JSON, LOADING, Attachment, Message

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
MOST_AFAR = 5  # follow-ups where the bot itself is not
# Which callbacks fit which interaction (2 command, 3 component, 5 modal).
FITTING = {
    2: (MESSAGE, DEFERRED, MODAL),
    3: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, MODAL),
    4: (CHOICES,),
    5: (MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE),
}


@route("POST", "/interactions/{}/{}/callback")
def callback(ask: Ask) -> Answer:
    core, found = ask.core, ask.core.interaction(ask.path[1])
    if found is None or found.id != ask.path[0]:
        raise Refused(10062)
    if found.answered is not None:
        raise Refused(40060)
    if time.monotonic() > found.created + found.answer_within:
        raise Refused(10062)
    kind, data = ask.json.get("type"), as_json(ask.json.get("data"))
    if found.channel.id not in core.world.channels:
        raise Refused(10003)
    if kind not in FITTING[found.kind]:
        raise invalid("type", "BASE_TYPE_CHOICES", "This callback does not fit the interaction.")
    _answer(core, found, kind, data, ask.files)
    found.answered, found.type = time.monotonic(), kind
    if ask.query.get("with_response") not in ("true", "1"):
        return Answer(204)
    return Answer(200, _callback_json(core, found))


def _answer(core: Core, found: Interaction, kind: int, data: JSON, files: list[Attachment]) -> None:
    if kind in (MESSAGE, DEFERRED):
        found.ephemeral = bool((data.get("flags") or 0) & EPHEMERAL)
        if kind == MESSAGE:
            validating.message(data, len(files))
        found.original = _post(core, found, data, files, loading=kind == DEFERRED)
    elif kind == CHOICES:
        found.choices = data.get("choices") or []
        if len(found.choices) > 25:
            raise too_long("data.choices", 25)
    elif kind == MODAL:
        validating.modal(data)
        found.modal = data | {"components": validating.number(data["components"])}
        core.world.tell("modal", found)
    else:
        if found.source is None:
            raise invalid("type", "BASE_TYPE_CHOICES", "There is no message to update.")
        found.original = found.source
        if kind == UPDATE:
            posting.change(core, found.source, data, files)


def _post(
    core: Core, found: Interaction, data: JSON, files: list[Attachment], loading: bool = False
) -> Message:
    """A message of the interaction's; what it may do there follows from who asked."""
    message = posting.by_bot(core, found.channel, {} if loading else data, files)
    message.type = {2: 20, 3: 0, 5: 20}[found.kind]
    if found.kind == 2 and found.payload["data"]["type"] != 1:
        message.type = 23
    message.application = core.world.bot.id
    message.interaction = {
        "id": found.id,
        "type": found.kind,
        "user": shapes.user_json(found.user),
        "authorizing_integration_owners": found.payload["authorizing_integration_owners"],
    }
    if (data.get("flags") or 0) & EPHEMERAL:
        message.flags |= EPHEMERAL
        message.to = found.user.id
    if loading:
        message.flags |= LOADING
    elif found.original is not None and not found.original.flags & EPHEMERAL:
        message.reply_to = found.original.id
    return posting.post(core, message, data.get("allowed_mentions"))


def _callback_json(core: Core, found: Interaction) -> JSON:
    told: JSON = {"id": found.id, "type": found.kind, "channel_id": found.channel.id}
    if found.original:
        told["response_message_id"] = found.original.id
        told["response_message_loading"] = found.original.is_loading
        told["response_message_ephemeral"] = bool(found.original.flags & EPHEMERAL)
    resource: JSON = {"type": found.type}
    if found.original:
        resource["message"] = shapes.message_json(core, found.original)
    return {"interaction": told, "resource": resource}


def _webhook(ask: Ask) -> Interaction:
    found = ask.core.interaction(ask.path[1])
    if found is None or ask.path[0] != ask.core.world.bot.id:
        raise Refused(50027)
    if found.answered is None:
        raise Refused(10015)
    if found.expired:
        raise Refused(50027)
    return found


def _message(ask: Ask, found: Interaction) -> Message:
    wanted = ask.path[2]
    mine = [found.original] if found.original else []
    for message in [*mine, *found.followups]:
        if wanted in (message.id, "@original"):
            channel = ask.core.world.channels.get(message.channel)
            there = channel and (message in channel.ephemeral or message.id in channel.messages)
            if not there:
                break
            return message
    raise Refused(10008)


@route("POST", "/webhooks/{}/{}")
def follow_up(ask: Ask) -> Answer:
    core, found = ask.core, _webhook(ask)
    if found.channel.id not in core.world.channels:
        raise Refused(10003)
    if found.original and found.original.is_loading:
        # The first follow-up takes the deferred message's place, and its privacy.
        message = posting.change(core, found.original, ask.json, ask.files, loading=True)
    else:
        validating.message(ask.json, len(ask.files))
        if not shapes.bot_sees(core, found.channel) and len(found.followups) >= MOST_AFAR:
            raise Refused(40094)
        message = _post(core, found, ask.json, ask.files)
        found.followups.append(message)
    return Answer(200, shapes.message_json(core, message))


@route("GET", "/webhooks/{}/{}/messages/{}")
def read(ask: Ask) -> Answer:
    return Answer(200, shapes.message_json(ask.core, _message(ask, _webhook(ask))))


@route("PATCH", "/webhooks/{}/{}/messages/{}")
def edit(ask: Ask) -> Answer:
    message = _message(ask, _webhook(ask))
    posting.change(ask.core, message, ask.json, ask.files, loading=message.is_loading)
    return Answer(200, shapes.message_json(ask.core, message))


@route("DELETE", "/webhooks/{}/{}/messages/{}")
def delete(ask: Ask) -> Answer:
    posting.delete(ask.core, _message(ask, _webhook(ask)))
    return Answer(204)
