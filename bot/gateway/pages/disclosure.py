"""公开: what was decided, voted and answered, for everyone, without a device and without scripts."""

from urllib.parse import urlencode

from aiohttp import web

from bot.gateway.pages.api import BACKEND
from bot.gateway.pages.views import page

WORDS_LIMIT = 60
CODE_LIMIT = 32

routes = web.RouteTableDef()


@routes.get("/public")
async def listed(request: web.Request) -> web.Response:
    """The entries, looked for by words and narrowed to an area and a topic by what the query says."""
    asked = request.query
    chosen = {
        "q": asked.get("q", "").strip()[:WORDS_LIMIT],
        "area": asked.get("area", "")[:CODE_LIMIT],
        "topic": asked.get("topic", "")[:CODE_LIMIT],
    }
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 4 else 1
    number = max(number, 1)
    found = await request.app[BACKEND].disclosure(**chosen, page=str(number))
    following = "/public?" + urlencode({**chosen, "page": number + 1}) if found["more"] else ""
    return page(request, "public.html", tab="public", found=found, chosen=chosen, following=following)


@routes.get(r"/public/{entry:\d{1,18}}")
async def one(request: web.Request) -> web.Response:
    entry = await request.app[BACKEND].disclosed(request.match_info["entry"])
    return page(request, "public_entry.html", tab="public", one=entry)
