"""Places and receipts worked out for many at once are those of the plain definition."""

import hmac

from backend.votes.box import ALPHABET, Places

SECRET = bytes(range(32))


def plain(*parts: bytes) -> bytes:
    return hmac.digest(SECRET, b"\0".join(parts), "sha256")


def test_a_slot_and_a_receipt_are_what_they_were_defined_as() -> None:
    places = Places(SECRET)
    slot_of = places.slots("TP-123456")
    for unit in (0, 7, 12_345, 10**12):
        slot = plain(b"slot", b"TP-123456", str(unit).encode())[:16]
        assert (slot_of(unit), places.slot("TP-123456", unit)) == (slot, slot)
        body = plain(b"body", slot) * 2
        value, letters = int.from_bytes(plain(b"receipt", slot, body[:12])), ""
        for _ in range(16):
            value, rest = divmod(value, len(ALPHABET))
            letters += ALPHABET[rest]
        assert places.receipt(slot, body) == letters
