"""Sends what is queued: leased in one transaction, sent outside of any, written down in another."""

import asyncio
import logging

import aiohttp

from backend.clock import Clock
from backend.db import Database
from backend.outbox.service import Quiet
from backend.sms import service
from backend.sms.gateway import Gateway
from backend.sms.models import SmsState
from backend.sms.service import Letter
from backend.vault.service import Vault

logger = logging.getLogger(__name__)


async def run_once(database: Database, clock: Clock, vault: Vault, gateway: Gateway, quiet: Quiet) -> int:
    """Try everything that is due once, but nothing in ``quiet`` hours; returns how many were tried.

    A try that a dead process left is taken up after LEASE.
    """
    if quiet.at(clock.now()):
        return 0
    async with database.read() as session:
        if not await service.any_due(session, now=clock.now()):
            return 0
    async with database.write() as session:
        letters = await service.claim(session, vault, now=clock.now())
    async with aiohttp.ClientSession() as client:
        await asyncio.gather(*(_try(database, clock, gateway, client, letter) for letter in letters))
    return len(letters)


async def _try(database: Database, clock: Clock, gateway: Gateway, client: aiohttp.ClientSession, letter: Letter) -> None:
    outcome = await gateway.send(client, letter, now=clock.now())
    async with database.write() as session:
        sms = await service.record(session, letter.id, outcome, now=clock.now())
        state, attempts = sms.state, sms.attempts
    if state is SmsState.SENT:
        logger.info("sms %d was taken by the gateway at attempt %d", letter.id, attempts)
    else:
        logger.warning("sms %d is %s after attempt %d: %s", letter.id, state.value, attempts, outcome.reason)
