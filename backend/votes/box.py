"""The ballot box: what is put in can be read only by those who hold the keys, and only together.

Hybrid encryption with the `cryptography` package: HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305) seals an
envelope key to the vote's public key; the envelope key seals at most ENVELOPE_BALLOTS ballots and is then forgotten. The
vote's private key exists twice in its life, in memory: when it is made and wrapped for the keyholders, and when they open.
docs/adr/0004 says what this protects against and what not.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

ENVELOPE_BALLOTS = 64
ENVELOPE_SECONDS = 30.0
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
PAIRS = [first + second for second in ALPHABET for first in ALPHABET]  # of two digits, the lower one first
PHRASE_LENGTH = 24
RECEIPT_LENGTH = 16
SLOT = 16
NONCE = 12
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class WrongKeys(Exception):
    """The phrases do not open this box."""


def new_phrase() -> str:
    """A keyholder's phrase: 24 characters of 31, about 118 bits, in groups of four."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(PHRASE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, PHRASE_LENGTH, 4))


def bare(phrase: str) -> str:
    """The phrase or code as it was made, however it was typed."""
    return "".join(letter for letter in phrase.upper() if letter in ALPHABET)


def _holder_key(phrase: str) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(hashlib.sha256(b"linlitong-keyholder\n" + bare(phrase).encode()).digest())


def holder_public_key(phrase: str) -> bytes:
    """What is stored of a keyholder: 32 bytes."""
    return _holder_key(phrase).public_key().public_bytes_raw()


def new_box(holders: dict[int, bytes], together: int) -> tuple[bytes, list[dict[str, object]]]:
    """A new key pair: (public key, wraps). Any ``together`` of the holders can open; fewer learn nothing."""
    private = X25519PrivateKey.generate()
    wraps: list[dict[str, object]] = []
    for group in combinations(sorted(holders), together):
        sealed = private.private_bytes_raw()
        for holder in group:
            sealed = _SUITE.encrypt(sealed, X25519PublicKey.from_public_bytes(holders[holder]), b"linlitong-wrap")
        wraps.append({"holders": list(group), "sealed": base64.b64encode(sealed).decode()})
    return private.public_key().public_bytes_raw(), wraps


def unwrap(public_key: bytes, wraps: list[dict[str, object]], holders: dict[int, bytes], phrases: list[str]) -> bytes:
    """The vote's private key. Raises WrongKeys unless the phrases are those of enough holders."""
    mine = {holder_public_key(phrase): _holder_key(phrase) for phrase in phrases}
    there = {holder: mine[key] for holder, key in holders.items() if key in mine}
    for wrap in wraps:
        group: list[int] = list(wrap["holders"])  # type: ignore[call-overload]
        if not set(group) <= there.keys():
            continue
        sealed = base64.b64decode(str(wrap["sealed"]))
        try:
            for holder in reversed(group):
                sealed = _SUITE.decrypt(sealed, there[holder], b"linlitong-wrap")
        except InvalidTag:
            continue
        if X25519PrivateKey.from_private_bytes(sealed).public_key().public_bytes_raw() == public_key:
            return sealed
    raise WrongKeys


def _keyed(secret: bytes, prefix: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 (RFC 2104) of ``prefix`` and what is given, with what is the same each time worked out once."""
    key = secret.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + prefix)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def mac(rest: bytes) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(rest)
        around.update(within.digest())
        return around.digest()

    return mac


def _letters(mac: bytes) -> str:
    """The RECEIPT_LENGTH lowest digits to the base 31, the lowest first."""
    high, low = divmod(int.from_bytes(mac) % 31**16, 31**8)
    b, a = divmod(low, 31**4)
    d, c = divmod(high, 31**4)
    return "".join(  # a list of pairs, written out: this is done for each of a city's ballots
        (
            PAIRS[a % 961],
            PAIRS[a // 961],
            PAIRS[b % 961],
            PAIRS[b // 961],
            PAIRS[c % 961],
            PAIRS[c // 961],
            PAIRS[d % 961],
            PAIRS[d // 961],
        )
    )


@dataclass(frozen=True)
class Places:
    """Where ballots lie and what their receipts are; made from a secret that is not in the database."""

    secret: bytes

    def _mac(self, *parts: bytes) -> bytes:
        return hmac.digest(self.secret, b"\0".join(parts), "sha256")

    def check(self, vote: str) -> str:
        """Tells whether this is the secret that the vote was opened with."""
        return self._mac(b"check", vote.encode()).hex()

    def slot(self, vote: str, unit: int) -> bytes:
        """Where the ballot of a unit lies. Nobody without the secret finds the unit from it, or it from the unit."""
        return self._mac(b"slot", vote.encode(), str(unit).encode())[:SLOT]

    def slots(self, vote: str) -> Callable[[int], bytes]:
        """``slot`` for many units of one vote."""
        keyed = _keyed(self.secret, b"slot\0" + vote.encode() + b"\0")
        return lambda unit: keyed(b"%d" % unit)[:SLOT]

    def receipt(self, slot: bytes, body: bytes) -> str:
        """The number under which the published list shows the ballot: 16 characters, about 79 bits."""
        return self.receipts()(slot, body)

    def receipts(self) -> Callable[[bytes, bytes], str]:
        """``receipt`` for many ballots."""
        keyed = _keyed(self.secret, b"receipt\0")
        return lambda slot, body: _letters(keyed(slot + b"\0" + body[:NONCE]))

    def mark(self, vote: str, closed_box: str, strangers: bytes) -> str:
        """What only the secret's owner can say of a closed box."""
        return self._mac(b"closed", vote.encode(), closed_box.encode(), strangers).hex()

    def code(self, vote: str, code: str) -> str:
        """What is stored of a paper slip's code."""
        return self._mac(b"code", vote.encode(), bare(code).encode()).hex()


@dataclass
class Envelope:
    """A key for a few ballots, sealed to the vote. It lives in this process's memory and is never stored in the clear."""

    id: bytes
    key: bytes
    sealed: bytes
    until: float
    left: int = ENVELOPE_BALLOTS

    @property
    def good(self) -> bool:
        return self.left > 0 and time.monotonic() < self.until


def new_envelope(public_key: bytes) -> Envelope:
    key = secrets.token_bytes(32)
    sealed = _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public_key), b"linlitong-envelope")
    return Envelope(secrets.token_bytes(16), key, sealed, time.monotonic() + ENVELOPE_SECONDS)


def seal(envelope: Envelope, choice: tuple[str, ...], width: int, *, vote: str, slot: bytes) -> bytes:
    """A ballot for ``slot``: nonce and ciphertext, as long for every choice (``width`` bytes inside)."""
    envelope.left -= 1
    nonce = secrets.token_bytes(NONCE)
    plain = json.dumps(choice, separators=(",", ":")).encode().ljust(width)
    if len(plain) != width:
        raise ValueError("the choice is wider than the vote's ballots")
    return nonce + ChaCha20Poly1305(envelope.key).encrypt(nonce, plain, vote.encode() + b"\0" + slot)


def width_of(options: Iterable[str]) -> int:
    """How many bytes a ballot of these options takes at most."""
    return len(json.dumps([*options, "abstain"], separators=(",", ":")).encode())


def open_envelopes(private_key: bytes, sealed: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The envelope keys by id; one that does not open is left out."""
    key, opened = X25519PrivateKey.from_private_bytes(private_key), {}
    for envelope_id, value in sealed:
        try:
            opened[envelope_id] = _SUITE.decrypt(value, key, b"linlitong-envelope")
        except InvalidTag:
            continue
    return opened


def open_ballots(
    ballots: Sequence[tuple[bytes, bytes, bytes]], keys: dict[bytes, bytes], *, vote: str, places: Places
) -> list[tuple[str, bytes] | None]:
    """(receipt, what stands on it) of each (slot, envelope, body); None for one that was changed, moved to another slot,
    or made for another vote. See ``choice_in``."""
    ciphers = {envelope: ChaCha20Poly1305(key) for envelope, key in keys.items()}
    receipt_of, prefix, same = places.receipts(), vote.encode() + b"\0", dict[bytes, bytes]()
    opened: list[tuple[str, bytes] | None] = []
    for slot, envelope, body in ballots:
        cipher = ciphers.get(envelope)
        try:
            plain = cipher.decrypt(body[:NONCE], body[NONCE:], prefix + slot) if cipher else None
        except (InvalidTag, ValueError):
            plain = None
        opened.append(plain and (receipt_of(slot, body), same.setdefault(plain, plain)))
    return opened


def choice_in(plain: bytes) -> tuple[str, ...] | None:
    """The choice that stands on an opened ballot; None when it is none."""
    try:
        choice = tuple(json.loads(plain))
    except (ValueError, TypeError):
        return None
    return choice if all(isinstance(option, str) for option in choice) else None
