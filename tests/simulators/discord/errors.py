"""How the REST API refuses (https://discord.com/developers/docs/topics/opcodes-and-status-codes)."""

from typing import Any

JSON = dict[str, Any]

TEXTS = {
    0: "401: Unauthorized",
    10003: "Unknown Channel",
    10004: "Unknown Guild",
    10007: "Unknown Member",
    10008: "Unknown Message",
    10011: "Unknown Role",
    10013: "Unknown User",
    10015: "Unknown Webhook",
    10062: "Unknown interaction",
    10063: "Unknown application command",
    20012: "You are not authorized to perform this action on this application",
    30032: "Maximum number of application commands reached",
    40005: "Request entity too large",
    50003: "Cannot execute action on a DM channel",
    50024: "Cannot execute action on this channel type",
    50109: "The request body contains invalid JSON.",
    40094: "This interaction has reached its maximum number of follow up messages",
    40060: "Interaction has already been acknowledged.",
    50001: "Missing Access",
    50005: "Cannot edit a message authored by another user",
    50006: "Cannot send an empty message",
    50007: "Cannot send messages to this user",
    50013: "Missing Permissions",
    50027: "Invalid Webhook Token",
    50035: "Invalid Form Body",
    50083: "Thread is archived",
    160004: "A thread has already been created for this message",
}
STATUSES = {0: 401, 50001: 403, 50005: 403, 50007: 403, 50013: 403, 50027: 401}


class Refused(Exception):
    """Answered with Discord's status, code and message; `errors` says which field is wrong."""

    def __init__(self, code: int, errors: JSON | None = None, status: int | None = None) -> None:
        super().__init__(TEXTS.get(code, "Error"))
        unknown = 404 if 10000 <= code < 20000 else 400
        self.code = code
        self.status = status or STATUSES.get(code, unknown)
        self.body: JSON = {"message": TEXTS.get(code, "Error"), "code": code}
        if errors:
            self.body["errors"] = errors


def invalid(field: str, code: str, message: str) -> Refused:
    """50035 about one field, which may be a path such as components.0.components."""
    told: JSON = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(field.split(".")):
        told = {part: told}
    return Refused(50035, told)


def too_long(field: str, most: int) -> Refused:
    return invalid(field, "BASE_TYPE_BAD_LENGTH", f"Must be between 1 and {most} in length.")
