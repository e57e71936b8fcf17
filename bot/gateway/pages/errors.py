"""What the page can be told when something does not work: a status, a code for programs, a sentence for people."""

import logging
import secrets
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.gateway.backend_client import BackendDown, BackendRefused
from bot.gateway.worker import without_words

logger = logging.getLogger(__name__)

NOTICE = web.AppKey("notice", Callable[[web.Request, str, int], web.Response])
FOR_PROGRAMS = ("/api/", "/media/", "/assets/")


class PageError(Exception):
    status = 500
    code = "internal"
    sentence = "系统出了点问题，请稍后再试。"

    def __init__(self, *, status: int = 0, code: str = "", sentence: str = "", wait: int = 0) -> None:
        """``wait`` in seconds, where it makes sense to try again then."""
        super().__init__(code or self.code)
        self.status, self.code, self.sentence = status or self.status, code or self.code, sentence or self.sentence
        self.wait = wait


class BadRequest(PageError):
    status, code, sentence = 422, "bad_input", "这条没有发对，请再试一次。"


class Empty(PageError):
    status, code, sentence = 422, "empty", "您还没有写字。打几个字，或者发张照片都行。"


class TooLong(PageError):
    status, code, sentence = 422, "too_long", "这段话太长了，请分几条发，每条不超过一万字。"


class PhotoTooLarge(PageError):
    status, code, sentence = 413, "too_large", "这张照片太大了，请发 20 MB 以内的照片。"


class BodyTooLarge(PageError):
    status, code, sentence = 413, "too_large", "这条内容太大了，请分几条发。"


class NoDevice(PageError):
    status, code, sentence = 401, "no_device", "请刷新页面再试。"


class ForeignOrigin(PageError):
    status, code, sentence = 403, "foreign_origin", "请从邻里通的页面发送。"


class Nothing(PageError):
    status, code, sentence = 404, "not_found", "没有找到。"


class NotReady(PageError):
    status, code, sentence = 503, "not_ready", "系统正在恢复，请稍等一会儿。"


class TooFast(PageError):
    status, code, sentence = 429, "too_fast", "您发得太快了，歇几秒再发。"


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with its sentence: a program as {error: {code, sentence}}, a person as a page."""
    try:
        return await handler(request)
    except Exception as raised:
        if isinstance(raised, web.HTTPException) and raised.status < 400:
            raise
        error = _told(request, raised)
    if request.path.startswith(FOR_PROGRAMS):
        body = {"error": {"code": error.code, "sentence": error.sentence}}
        response = web.json_response(body, status=error.status)
    else:
        response = request.app[NOTICE](request, error.sentence, error.status)
    if error.wait:
        response.headers["Retry-After"] = str(error.wait)
    return response


def _told(request: web.Request, raised: Exception) -> PageError:
    """What the page is told; what is not the page's fault is logged, without anyone's words."""
    what = f"{request.method} {_route(request)}"
    match raised:
        case PageError():
            return raised
        case BackendDown() | BackendRefused(status=401 | 403):
            logger.warning("%s: backend: %s", what, raised)
            return NotReady(wait=2)
        case BackendRefused():
            return BadRequest(status=raised.status, code=raised.code, sentence=raised.sentence)
        case web.HTTPRequestEntityTooLarge():
            return BodyTooLarge()
        case web.HTTPException():
            return Nothing() if raised.status == 404 else BadRequest(status=raised.status)
    logger.error("%s: a defect, correlation %s", what, secrets.token_hex(4), exc_info=without_words(raised))
    return PageError()


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"
