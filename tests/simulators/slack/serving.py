"""What stands beside the Web API on the same server: files and response URLs."""

from tests.simulators.loopback import Request
from tests.simulators.slack import web_app, web_files
from tests.simulators.slack.core import Core
from tests.simulators.slack.errors import Refused
from tests.simulators.slack.rates import Call
from tests.simulators.slack.web import Answer, check_token, recorded, token_of

SIGN_IN = "<!DOCTYPE html><html><title>Sign in | Slack</title><body>Sign in</body></html>"


def download(core: Core, call: Call, request: Request) -> Answer:
    """A file's bytes; whoever may not have them gets the sign-in page, with HTTP 200.

    `call.error` says whether it was refused.
    """
    name = request.path.split("/")[2]
    file = core.world.files.get(name.partition("-")[2])
    call.args = {"file": file.id if file else name}
    page = {"content-type": "text/html; charset=utf-8"}
    try:
        check_token(core, token_of(request, {}))
        if "files:read" not in core.world.app.scopes:
            raise Refused("missing_scope")
        if file is not None and not core.world.sees(file):
            raise Refused("access_denied")
    except Refused as refused:
        call.error = refused.error
        return Answer(200, {"page": SIGN_IN}, page)
    if file is None or file.is_external or file.deleted:
        call.error = "file_not_found"
        return Answer(404, {"page": "<h1>Not found</h1>"}, page)
    return Answer(200, {"page": file.data}, {"content-type": file.mimetype})


def respond(core: Core, call: Call, request: Request) -> Answer:
    body = request.body
    call.args = recorded(body) if isinstance(body, dict) else {}
    status, text = web_app.respond(core, request.path.rpartition("/")[2], request.raw)
    call.error = None if status == 200 else text
    return Answer(status, {"page": text}, {"content-type": "text/plain; charset=utf-8"})


def upload(core: Core, call: Call, request: Request) -> Answer:
    status, text = web_files.receive(core, request.path.rpartition("/")[2], request.raw)
    call.error = None if status == 200 else text
    return Answer(status, {"page": text}, {"content-type": "text/plain; charset=utf-8"})
