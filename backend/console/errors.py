"""Errors on the console's address: JSON for programs, a page for people, one sentence for a form that htmx sent."""

import json

from aiohttp import web
from aiohttp.typedefs import Handler

from backend.console.render import render
from backend.web import errors_middleware

SIGN_IN = "/sign-in"


@web.middleware
async def console_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the house's middleware decide what the error is, then say it the way the asker can read it."""
    answer = await errors_middleware(request, handler)
    if answer.status < 400 or request.path.startswith("/api/") or not isinstance(answer, web.Response):
        return answer
    if answer.content_type != "application/json" or answer.text is None:
        return answer
    error = json.loads(answer.text)["error"]
    if answer.status == 401 and request.path != SIGN_IN:
        if "HX-Request" in request.headers:
            return web.Response(status=401, headers={"HX-Redirect": SIGN_IN})
        return web.Response(status=303, headers={"Location": SIGN_IN})
    if "HX-Request" in request.headers:
        return web.Response(text=error["sentence"], status=answer.status)
    return render(request, "error.html", status=answer.status, sentence=error["sentence"])
