"""Keeping personal data: sealed with AES-256-GCM, found again by a keyed hash, uncovered only with a reason."""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.errors import BadInput, NotFound
from backend.vault.models import Secret, VaultItem, VaultUncovering
from backend.vault.numbers import Found, mask

_NONCE = 12
ROTATE_BATCH = 500
SHORTEST_REASON = 4


class WrongKey(Exception):
    """The vault's keys do not open this: the settings hold other keys than those that sealed it."""


@dataclass(frozen=True)
class Vault:
    """The keys. The first of ``keys`` (id: 32 bytes) seals, all of them open; ``hashing`` makes the look-up hashes."""

    keys: dict[str, bytes]
    hashing: bytes

    @classmethod
    def load(cls, keys: str, hashing: str, home: Path) -> "Vault":
        """From settings (``id:64 hex digits`` with commas between, the sealing key first; 64 hex digits), else from
        home/vault.json, which is made on first use. Raises ValueError for keys that are none.
        """
        if not keys:
            found = _kept(home / "vault.json")
            keys, hashing = found["keys"], found["hashing"]
        pairs = [one.strip().partition(":") for one in keys.split(",")]
        made = {name: bytes.fromhex(value) for name, _, value in pairs}
        if not all(name and len(value) == 32 for name, value in made.items()) or len(bytes.fromhex(hashing)) != 32:
            raise ValueError("LINLITONG_VAULT_KEYS and LINLITONG_VAULT_HASHING_KEY must hold keys of 64 hex digits")
        return cls(made, bytes.fromhex(hashing))

    @property
    def sealing(self) -> str:
        return next(iter(self.keys))

    def seal(self, kind: Secret, value: str) -> tuple[str, bytes]:
        """(the key's id, nonce and ciphertext). The kind is authenticated with it: one kind never opens as another."""
        nonce = secrets.token_bytes(_NONCE)
        return self.sealing, nonce + AESGCM(self.keys[self.sealing]).encrypt(nonce, value.encode(), kind.value.encode())

    def open(self, item: VaultItem) -> str:
        """The value. Raises WrongKey."""
        try:
            cipher = AESGCM(self.keys[item.key_id])
            return cipher.decrypt(item.sealed[:_NONCE], item.sealed[_NONCE:], item.kind.value.encode()).decode()
        except (KeyError, InvalidTag):
            raise WrongKey from None

    def hash(self, kind: Secret, value: str) -> str:
        """The keyed hash by which equal values are found."""
        return hmac.new(self.hashing, f"{kind.value}\0{value}".encode(), hashlib.sha256).hexdigest()


def _kept(file: Path) -> dict[str, str]:
    """The keys made for this installation. Whoever makes the file first decides; readable by its owner only."""
    made = {"keys": f"1:{secrets.token_hex(32)}", "hashing": secrets.token_hex(32)}
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    if not file.exists():
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            json.dump(made, out)
        try:
            os.link(part, file)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    kept: dict[str, str] = json.loads(file.read_text())
    return kept


async def keep(
    session: AsyncSession,
    vault: Vault,
    found: Iterable[Found],
    *,
    resident_id: int | None,
    message_id: int | None,
    now: datetime,
) -> list[VaultItem]:
    """Store what was taken out of a message; a wrong number is not kept. Returns the stored items."""
    return [
        await put(session, vault, one.kind, one.value, resident_id=resident_id, message_id=message_id, now=now)
        for one in found
        if one.value is not None
    ]


async def put(
    session: AsyncSession,
    vault: Vault,
    kind: Secret,
    value: str,
    *,
    resident_id: int | None,
    message_id: int | None = None,
    now: datetime,
) -> VaultItem:
    """Store one value; returns its row."""
    key_id, sealed = vault.seal(kind, value)
    item = VaultItem(
        resident_id=resident_id,
        message_id=message_id,
        kind=kind,
        key_id=key_id,
        sealed=sealed,
        lookup=vault.hash(kind, value),
        masked=mask(kind, value),
        created_at=now,
    )
    session.add(item)
    await session.flush()
    return item


async def of_message(session: AsyncSession, message_id: int) -> dict[Secret, VaultItem]:
    """The last item of each kind that a message brought."""
    rows = await session.scalars(select(VaultItem).where(VaultItem.message_id == message_id).order_by(VaultItem.id))
    return {item.kind: item for item in rows}


async def filled_in(session: AsyncSession, vault: Vault, text: str, item_ids: list[int]) -> str:
    """The text with the numbers that were taken out of it, in their order, put back for whom it is meant."""
    done = ""
    for item_id in item_ids:
        item = await session.get(VaultItem, item_id)
        before, mask_, after = text.partition(item.masked) if item else ("", "", "")
        if item is not None and mask_:
            done, text = done + before + vault.open(item), after
    return done + text


async def uncover(
    session: AsyncSession, vault: Vault, item_id: int, *, staff_id: int, reason: str, now: datetime
) -> tuple[VaultItem, str]:
    """The item and its value in full, written down with the reason. Raises BadInput without one, NotFound.

    The caller has checked that this person may see it.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise BadInput("请写明为什么要看完整号码（至少四个字）。", code="reason_missing")
    item = await session.get(VaultItem, item_id)
    if item is None:
        raise NotFound
    session.add(VaultUncovering(item_id=item.id, staff_id=staff_id, reason=reason.strip()[:200], at=now))
    await session.flush()
    return item, vault.open(item)


async def rotate(session: AsyncSession, vault: Vault) -> int:
    """Seal up to ROTATE_BATCH items anew that an older key sealed; returns how many. 0: all are sealed with the first key."""
    items = (
        await session.scalars(
            select(VaultItem).where(VaultItem.key_id != vault.sealing).limit(ROTATE_BATCH).with_for_update(skip_locked=True)
        )
    ).all()
    for item in items:
        item.key_id, item.sealed = vault.seal(item.kind, vault.open(item))
    return len(items)


async def of_resident(session: AsyncSession, resident_id: int, kind: Secret, *, limit: int = 5) -> list[VaultItem]:
    """The resident's latest different values of a kind, the newest first."""
    rows = await session.scalars(
        select(VaultItem)
        .where(VaultItem.resident_id == resident_id, VaultItem.kind == kind)
        .order_by(VaultItem.id.desc())
        .limit(limit * 10)
    )
    return list({item.lookup: item for item in reversed(rows.all())}.values())[::-1][:limit]
