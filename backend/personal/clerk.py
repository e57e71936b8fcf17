"""The job behind 导出我的数据 and 删除我的数据: it finds what was asked in the record, and the engine forgets too."""

import asyncio

import aiohttp
from sqlalchemy import select

from backend.clock import Clock
from backend.db import Database
from backend.house import desk_factory
from backend.media import service as media
from backend.personal import service
from backend.personal.models import PersonalRequest, Wish, WishState
from backend.settings import Settings
from wording import Sentences

ENGINE_SECONDS = 10
BATCH = 20
PAUSE, GROWTH, LOOKS = 0.2, 1.3, 12  # together 15 seconds; a wish that waits longer is found by the next round


async def keep_up(database: Database, clock: Clock, settings: Settings, sentences: Sentences) -> None:
    """Do every wish that is due, and look again soon while one waits for its turn to be answered or its last word to arrive."""
    for look in range(LOOKS):
        await run_once(database, clock, settings, sentences)
        async with database.read() as session:
            if await session.scalar(select(PersonalRequest.id).where(PersonalRequest.state != WishState.DONE).limit(1)) is None:
                return
        await asyncio.sleep(PAUSE * GROWTH**look)


async def run_once(database: Database, clock: Clock, settings: Settings, sentences: Sentences) -> int:
    """Do every wish that is due; returns how many."""
    now, done, desk_of = clock.now(), 0, desk_factory(settings, clock, sentences)
    async with database.read() as session:
        due = service.ready(now) | service.said_and_delivered()
        ids = list(await session.scalars(select(PersonalRequest.id).where(due).order_by(PersonalRequest.id).limit(BATCH)))
    for request_id in ids:
        async with database.read() as session:
            request = await session.get_one(PersonalRequest, request_id)
        if request.state is WishState.SAID and not await _engine_forgot(settings, request.tracker_key):
            continue
        gone: set[str] = set()
        async with database.write() as session:
            request = await session.get_one(PersonalRequest, request_id, with_for_update=True)
            if request.state is WishState.SAID:
                await service.forget(session, request, now=now)
            elif request.state is WishState.ASKED and request.wish is Wish.EXPORT:
                await service.export(session, request, settings.home / "media", sentences=sentences, now=now)
            elif request.state is WishState.ASKED:
                gone = await service.erase(session, request, desk=await desk_of(session))
        for key in gone:
            media.path_of(settings.home / "media", key).unlink(missing_ok=True)
        done += 1
    return done


async def _engine_forgot(settings: Settings, tracker_key: str) -> bool:
    """Whether the engine has deleted the dialogue; when it is away it is asked again in the next round."""
    url = f"{settings.engine_url.rstrip('/')}/conversations/{tracker_key}"
    headers = {"Authorization": f"Bearer {settings.service_token}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ENGINE_SECONDS)) as client,
            client.delete(url, headers=headers) as response,
        ):
            return response.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
