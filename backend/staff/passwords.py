"""Passwords: argon2id, hashed in threads of their own so that a sign-in never holds up the console."""

import asyncio
import contextlib
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# No sign-in is checked against less than a real hash, so that an unknown name takes as long as a known one.
NOBODY = HASHER.hash(secrets.token_hex(16))
MIN_LENGTH = 8
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_threads = ThreadPoolExecutor(2, thread_name_prefix="password")


async def hash_password(password: str) -> str:
    """Return the argon2id hash with its parameters in it."""
    return await asyncio.get_running_loop().run_in_executor(_threads, HASHER.hash, password)


async def fits(password: str, password_hash: str) -> bool:
    """Whether ``password`` is the one behind ``password_hash``; an empty hash takes as long and fits nothing."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _fits, password, password_hash)


def _fits(password: str, password_hash: str) -> bool:
    """The demo accounts' hashes are quick ones; beside those a full one is checked for the time that it takes."""
    try:
        if not password_hash or HASHER.check_needs_rehash(password_hash):
            with contextlib.suppress(VerificationError):
                HASHER.verify(NOBODY, password)
        return bool(password_hash) and HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def new_password() -> str:
    """A random password that can be read out, e.g. ``k7mp-x2vd-h9qa``: 59 bits, nothing that looks like another."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))
