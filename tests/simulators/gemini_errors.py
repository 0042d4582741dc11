"""The error bodies of Google's API: google.rpc.Status as JSON, details included."""

from typing import Any

from tests.simulators.faults import Status
from tests.simulators.model_server import Refused

TYPE = "type.googleapis.com/google.rpc."

KEY_INVALID = "API key not valid. Please pass a valid API key."
KEY_MISSING = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
NOT_FOUND_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n"
    "<p><b>404.</b> <ins>That's an error.</ins>\n"
)

# HTTP status: canonical code, and the sentence Google usually sends with it.
USUAL = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: (
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
        "cookie or other valid authentication credential.",
    ),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    429: (
        "RESOURCE_EXHAUSTED",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    500: (
        "INTERNAL",
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
    ),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "The request timed out. Please try again."),
}


def error(status: int, message: str | None = None, details: Any = None) -> Refused:
    """Google's error for an HTTP status."""
    canonical, usual = USUAL.get(status, ("UNKNOWN", "Unknown error."))
    body = {"code": status, "message": message or usual, "status": canonical}
    return Refused(status, {"error": body | ({"details": details} if details else {})})


def fault_error(fault: Status) -> Refused:
    """A 429 says which quota and, where the test says so, when to come back (RetryInfo).

    Google sends no Retry-After header; a client that looks only there comes back early.
    """
    details: list[dict[str, Any]] = []
    if fault.status == 429:
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": "GenerateRequestsPerMinutePerProjectPerModel",
            "quotaValue": "10",
        }
        details.append({"@type": TYPE + "QuotaFailure", "violations": [violation]})
    if fault.retry_after is not None:
        details.append({"@type": TYPE + "RetryInfo", "retryDelay": f"{fault.retry_after:g}s"})
    return error(fault.status, fault.message, details)


def bad_key() -> Refused:
    """A wrong key is a 400, not a 401 or 403: only `reason` tells it from a bad request."""
    info = {
        "@type": TYPE + "ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    text = {"@type": TYPE + "LocalizedMessage", "locale": "en-US", "message": KEY_INVALID}
    return error(400, KEY_INVALID, [info, text])


def bad_payload(description: str) -> Refused:
    """Not JSON, or JSON that does not fit the message type."""
    message = f"Invalid JSON payload received. {description}"
    violations = {"fieldViolations": [{"description": message}]}
    return error(400, message, [{"@type": TYPE + "BadRequest", **violations}])


def bad_field(field: str, description: str) -> Refused:
    """The request was parsed and one of its fields is refused."""
    return error(400, f"* {field}: {description}\n")
