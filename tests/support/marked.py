"""Invented personal numbers that are easy to find again, and the ways in which people write them."""

import re
from collections.abc import Iterator

from backend.vault.models import Secret
from backend.vault.numbers import check_digit, luhn

SPOKEN = str.maketrans("0123456789", "零一二三四五六七八九")
BACK = str.maketrans("零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖０１２３４５６７８９", "01234567891" + "123456789" + "0123456789")


def phone(n: int) -> str:
    return f"1380000{n:04d}"


def identity(n: int) -> str:
    body = f"321202{1930 + n % 15}{n % 12 + 1:02d}{n % 28 + 1:02d}{n % 900 + 100:03d}"
    return body + check_digit(body)


def card(n: int) -> str:
    stem = f"6200{n:014d}"
    return next(f"{stem}{digit}" for digit in range(10) if luhn(f"{stem}{digit}"))


def groups(kind: Secret, value: str) -> list[str]:
    cuts = {Secret.PHONE: (3, 7), Secret.IDENTITY: (6, 14), Secret.BANK: (4, 8, 12, 16)}[kind]
    return [value[a:b] for a, b in zip((0, *cuts), (*cuts, len(value)), strict=True)]


WAYS = (
    lambda kind, value: value,
    lambda kind, value: " ".join(groups(kind, value)),
    lambda kind, value: "-".join(groups(kind, value)),
    lambda kind, value: "，".join(groups(kind, value)),
    lambda kind, value: "\n".join(groups(kind, value)),
    lambda kind, value: " ".join(value),
    lambda kind, value: "".join(chr(ord(c) + 0xFEE0) for c in value),
    lambda kind, value: value.translate(SPOKEN),
    lambda kind, value: "，".join(groups(kind, value)).translate(SPOKEN),
    lambda kind, value: value[:5] + "\u200b" + value[5:],
)


class Marked:
    """Hands numbers out, each in another way of writing; ``all`` are those handed out so far, bare."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._written = self._write()

    def _write(self) -> Iterator[str]:
        makers = ((Secret.PHONE, phone), (Secret.IDENTITY, identity), (Secret.BANK, card))
        n = 0
        while True:
            for way in WAYS:
                kind, make = makers[n % 3]
                n += 1
                value = make(n)
                self.all.append(value)
                yield way(kind, value)

    def words(self, count: int = 1) -> str:
        """A sentence with ``count`` further numbers in it."""
        return "。".join(f"我的号码是{next(self._written)}啊" for _ in range(count))

    def take(self, kind: Secret) -> str:
        """One further number of a kind, written plainly."""
        value = {Secret.PHONE: phone, Secret.IDENTITY: identity, Secret.BANK: card}[kind](1000 + len(self.all))
        self.all.append(value)
        return value

    def seen_in(self, content: str) -> list[str]:
        """The numbers of which ``content`` shows all digits, in whatever way they are written."""
        plain = re.sub(r"[-\s,，、.。·/+]|%20|%0A|\\\\u200b|\\\\n|\u200b", "", content).translate(BACK).upper()
        return sorted({value for value in self.all if value in plain})
