"""How many requests come in at each door, how they end and how long they take."""

import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Histogram

REQUESTS = Histogram(
    "linlitong_request_seconds",
    "Requests by the route's pattern, never by its address; long polls are as long as they wait.",
    ["door", "method", "route", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def timed(door: str) -> Middleware:
    """A middleware that enters every answered request under ``door``. Streams are not requests in this sense."""

    @web.middleware
    async def enter(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        answer = await handler(request)
        if answer.content_type != "text/event-stream":
            resource = request.match_info.route.resource
            labels = (door, request.method, resource.canonical if resource else "none", str(answer.status))
            REQUESTS.labels(*labels).observe(time.perf_counter() - began)
        return answer

    return enter
