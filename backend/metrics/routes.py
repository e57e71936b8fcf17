"""GET /metrics on the staff address, for those who hold the token of the settings."""

import hmac

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector

from backend.errors import NotFound
from backend.metrics.record import read_record
from backend.metrics.requests import REQUESTS
from backend.web import CLOCK, DATABASE, SETTINGS

routes = web.RouteTableDef()


class _Read:
    """Gauges that were read a moment ago, as a collector."""

    def __init__(self, metrics: list[Metric]) -> None:
        self.metrics = metrics

    def collect(self) -> list[Metric]:
        return self.metrics


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Prometheus' text format. Without the right token, or where none is set, there is no such page."""
    token, given = request.app[SETTINGS].metrics_token, request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise NotFound
    async with request.app[DATABASE].read() as session:
        read = await read_record(session, request.app[CLOCK].now())
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(REQUESTS)
    registry.register(_Read(read))
    return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
