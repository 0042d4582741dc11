"""The error bodies of OpenAI's API."""

from tests.simulators.faults import Status
from tests.simulators.model_server import Refused

REFERENCE = "Please check the API reference: https://platform.openai.com/docs/api-reference."

BAD_INPUT = f"'$.input' is invalid. {REFERENCE}"
EMPTY_MESSAGES = (
    "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
    "array instead."
)
FLAGGED = (
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please "
    "try again with a different prompt."
)
KEY_MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header "
    "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
)
UNPARSABLE = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload.)"
)

# HTTP status: type, code, and the sentence OpenAI usually sends with it.
USUAL: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "The request is invalid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: (
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: (
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    503: ("server_error", None, "The engine is currently overloaded, please try again later."),
}


def error(
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> Refused:
    body = {"message": message, "type": kind, "param": param, "code": code}
    return Refused(status, {"error": body}, {"x-request-id": "req_simulated"})


def fault_error(fault: Status) -> Refused:
    """A spent quota is a 429 too, with a code of its own: it does not pass by waiting."""
    kind, code, usual = USUAL.get(fault.status, ("server_error", None, "Unknown error."))
    if fault.code == "insufficient_quota":
        kind = "insufficient_quota"
    refused = error(fault.status, fault.message or usual, kind, code=fault.code or code)
    if fault.retry_after is not None and refused.headers is not None:
        refused.headers["retry-after"] = f"{fault.retry_after:g}"
    return refused


def bad_key(key: str) -> Refused:
    """OpenAI repeats the key's two ends, so this message may not be shown or logged as it is."""
    masked = f"{key[:4]}{'*' * 8}{key[-4:]}" if len(key) > 8 else "*" * len(key)
    message = f"Incorrect API key provided: {masked}. You can find your API key at "
    return error(
        401, message + "https://platform.openai.com/account/api-keys.", code="invalid_api_key"
    )


def unknown_model(model: str) -> Refused:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return error(404, message, code="model_not_found")


def missing(param: str) -> Refused:
    message = f"Missing required parameter: '{param}'."
    return error(400, message, param=param, code="missing_required_parameter")


def invalid_value(param: str, value: object) -> Refused:
    return error(400, f"Invalid value: '{value}'.", param=param, code="invalid_value")


def bad_dimensions(value: object, limit: int) -> Refused:
    message = f"Invalid value for 'dimensions' = {value}. Must be less than or equal to {limit}."
    return error(400, message, param="dimensions")
