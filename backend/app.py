"""The backend's composition root: the internal API and the staff console over one record."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from aiohttp import web

from backend.broadcasts import clerk as broadcast_clerk
from backend.broadcasts.routes import routes as broadcast_routes
from backend.clock import Clock, SystemClock
from backend.conversations.routes import routes as conversation_routes
from backend.db import Database
from backend.deliberation import clerk as deliberation_clerk
from backend.deliberation.routes import routes as deliberation_routes
from backend.desk import clerk as desk_clerk
from backend.disclosure import clerk as disclosure_clerk
from backend.disclosure.routes import routes as disclosure_routes
from backend.duties import keep_on
from backend.events import clerk as event_clerk
from backend.events.routes import routes as event_routes
from backend.house import BOOTH, DESK, GATE, desk_factory, patience_of, quiet_of
from backend.intake.routes import READERS, readers_of
from backend.intake.routes import routes as intake_routes
from backend.intake.service import Readers
from backend.legal import clerk as legal_clerk
from backend.legal.law import Law
from backend.legal.routes import LAW
from backend.legal.routes import routes as legal_routes
from backend.legal_aid import clerk as aid_clerk
from backend.legal_aid.routes import routes as aid_routes
from backend.media.routes import routes as media_routes
from backend.mediation import clerk as mediation_clerk
from backend.mediation.routes import routes as mediation_routes
from backend.metrics.requests import timed
from backend.opinions import clerk as opinion_clerk
from backend.opinions.routes import routes as opinion_routes
from backend.outbox.routes import routes as outbox_routes
from backend.personal import clerk as personal_clerk
from backend.personal import retention
from backend.personal.routes import routes as personal_routes
from backend.settings import Settings
from backend.sms import sender as sms_sender
from backend.sms.gateway import Gateway as SmsGateway
from backend.staff_chat import clerk as staff_chat_clerk
from backend.staff_chat.routes import routes as staff_chat_routes
from backend.subsidies import clerk as subsidy_clerk
from backend.subsidies.routes import routes as subsidy_routes
from backend.vault.service import Vault
from backend.votes import clerk as votes_clerk
from backend.votes.booth import booth_factory
from backend.votes.door import Door
from backend.votes.routes import URN
from backend.votes.routes import routes as vote_routes
from backend.votes.urn import Urn
from backend.web import CLOCK, DATABASE, SENTENCES, SETTINGS, VAULT, errors_middleware, service_auth
from wording import Sentences

DOMAIN = Path(__file__).parent.parent / "domain.yml"


async def health(request: web.Request) -> web.Response:
    """200 {"status": "ok"} when the database answers."""
    async with request.app[DATABASE].read() as session:
        await session.connection()
    return web.json_response({"status": "ok"})


def _share(app: web.Application, settings: Settings, database: Database, clock: Clock) -> None:
    sentences = Sentences.load(DOMAIN)
    app[SETTINGS], app[DATABASE], app[CLOCK], app[SENTENCES] = settings, database, clock, sentences
    app[DESK] = desk_factory(settings, clock, sentences)
    app[VAULT] = Vault.load(settings.vault_keys, settings.vault_hashing_key, settings.home)
    app[BOOTH] = booth_factory(settings, clock, sentences)
    app[GATE] = Door(app[BOOTH], app[VAULT])


def internal_app(
    settings: Settings,
    database: Database,
    clock: Clock | None = None,
    *,
    law: Law | None = None,
    readers: Readers | None = None,
) -> web.Application:
    """The API that the gateway and the actions speak, with the clerks at work beside it."""
    app = web.Application(
        middlewares=[timed("internal"), errors_middleware, service_auth(settings.service_token)],
        client_max_size=settings.media_max_bytes,
    )
    _share(app, settings, database, clock or SystemClock())
    app[READERS] = readers or readers_of(settings)
    app[LAW] = law or Law(settings.home)
    app[URN] = Urn(database, app[BOOTH])
    app.router.add_get("/health", health)
    for routes in (
        conversation_routes,
        outbox_routes,
        staff_chat_routes,
        media_routes,
        event_routes,
        intake_routes,
        vote_routes,
        deliberation_routes,
        subsidy_routes,
        legal_routes,
        broadcast_routes,
        mediation_routes,
        aid_routes,
        personal_routes,
        opinion_routes,
        disclosure_routes,
    ):
        app.add_routes(routes)
    app.on_startup.append(_prepare)
    app.cleanup_ctx.append(_clerk)
    app.on_cleanup.append(_let_ballots_in)
    return app


async def _let_ballots_in(app: web.Application) -> None:
    await app[URN].close()


async def _prepare(app: web.Application) -> None:
    async with app[DATABASE].read() as session:
        await app[READERS].prepared(session)
        await app[LAW].prepare(session)


async def _clerk(app: web.Application) -> AsyncIterator[None]:
    database, desk_of, settings = app[DATABASE], app[DESK], app[SETTINGS]
    work = {
        "events": (1.0, partial(event_clerk.run_once, database, desk_of)),
        "desk": (1.0, partial(desk_clerk.run_once, database, desk_of, patience_of(settings))),
        "staff chat": (1.0, partial(staff_chat_clerk.run_once, database, desk_of)),
        "legal": (5.0, partial(legal_clerk.run_once, database, desk_of)),
        "legal aid": (5.0, partial(aid_clerk.run_once, database, desk_of)),
        "mediation": (5.0, partial(mediation_clerk.run_once, database, desk_of)),
        "broadcasts": (5.0, partial(broadcast_clerk.run_once, database, desk_of)),
        "opinions": (5.0, partial(opinion_clerk.run_once, database, desk_of)),
        "disclosure": (5.0, partial(disclosure_clerk.run_once, database, desk_of, app[BOOTH])),
        "votes": (1.0, partial(votes_clerk.run_all, database, app[BOOTH])),
        "deliberation": (1.0, partial(deliberation_clerk.run_once, database, desk_of)),
        "subsidies": (30.0, partial(subsidy_clerk.run_once, database, desk_of)),
        "retention": (3600.0, partial(retention.run_once, database, app[CLOCK], settings)),
        "personal": (20.0, partial(personal_clerk.keep_up, database, app[CLOCK], settings, app[SENTENCES])),
    }
    if settings.sms_url:
        gateway = SmsGateway(settings.sms_url, settings.sms_token)
        send = partial(sms_sender.run_once, database, app[CLOCK], app[VAULT], gateway, quiet_of(settings))
        work["sms"] = (2.0, send)
    tasks = [asyncio.create_task(keep_on(database, name, round_, every=every)) for name, (every, round_) in work.items()]
    yield
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
