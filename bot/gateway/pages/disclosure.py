"""公开: what was decided, voted and answered, for everyone, without a device and without scripts."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.gateway.pages.api import BACKEND
from bot.gateway.pages.views import page

WORDS_LIMIT = 60
CODE_LIMIT = 32

routes = web.RouteTableDef()


@routes.get("/public")
async def listed(request: web.Request) -> web.Response:
    """The entries, narrowed to an area and a topic by what the query says."""
    return await _listed(request, {**request.query, "q": ""})


@routes.post("/public")
async def searched(request: web.Request) -> web.Response:
    """Look for words: posted, so that no address, history or log on the way holds what was typed."""
    return await _listed(request, await request.post())


async def _listed(request: web.Request, asked: Mapping[str, Any]) -> web.Response:
    chosen = {
        "q": str(asked.get("q", "")).strip()[:WORDS_LIMIT],
        "area": str(asked.get("area", ""))[:CODE_LIMIT],
        "topic": str(asked.get("topic", ""))[:CODE_LIMIT],
    }
    number = str(asked.get("page", ""))
    at = max(int(number), 1) if number.isascii() and number.isdecimal() and len(number) < 3 else 1
    found = await request.app[BACKEND].disclosure(**chosen, page=at)
    chosen["q"] = found["words"]
    return page(request, "public.html", tab="public", found=found, chosen=chosen, following=at + 1 if found["more"] else 0)


@routes.get(r"/public/{entry:\d{1,18}}")
async def one(request: web.Request) -> web.Response:
    entry = await request.app[BACKEND].disclosed(request.match_info["entry"])
    return page(request, "public_entry.html", tab="public", one=entry)
