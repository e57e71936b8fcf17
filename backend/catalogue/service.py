"""The catalogue for the other rooms: items, who answers for them, what was refused, and the counter's answers."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Duty, Guide, HandlerKind, Item, Refusal
from backend.hanzi import plain

GUIDE_THRESHOLD = 0.45
KEYWORD_SHARE = 0.3
KEYWORDS_COUNTED = 2
UNKNOWN_WEIGHT = 1.5
# What people say around any question, and so tells questions apart badly.
_COMMON = re.compile(
    r"请问|麻烦|你们|我们|我想|想问|问一下|问下|一下|咨询|怎么样|怎么办理|怎么办|怎么|如何|什么|哪些|哪里|哪儿|可以|能不能|能够|需要|是不是|有没有|要不要|"
    r"多少|几个|您好|你好|谢谢|知道|告诉|帮我|给我|办理|那个|这个|就是|现在|今天|到底|呢|吗|啊|呀|吧|嘛|了|的|我|你|您|俺|咱|要|想|去|办|是|有|在"
)
_OTHER = re.compile(r"[\W_]+")


async def items(session: AsyncSession) -> list[Item]:
    """Every item, the admitted ones first, by code."""
    return list(await session.scalars(select(Item).order_by(Item.admitted.desc(), Item.code)))


async def handler_for(session: AsyncSession, item_code: str, area_path: str) -> tuple[HandlerKind, str] | None:
    """Return who handles an item at a place, by the most specific area that has duties for it.

    The code is the department's, or empty for a desk at the place itself. None when no duty fits, or when several do.
    """
    codes = area_path.rstrip("/").split("/")
    duties = await session.scalars(select(Duty).where(Duty.item_code == item_code, Duty.area_code.in_(codes)))
    by_depth: dict[int, list[Duty]] = {}
    for duty in duties:
        by_depth.setdefault(codes.index(duty.area_code), []).append(duty)
    if not by_depth:
        return None
    nearest = by_depth[max(by_depth)]
    if len(nearest) > 1:
        return None
    return nearest[0].handler, nearest[0].department_code


async def count_refusal(session: AsyncSession, item_code: str, day: date) -> None:
    """Count one refusal of an item on a local day; safe when several processes count at once."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    await session.execute(
        insert(Refusal)
        .values(item_code=item_code, day=day, count=1)
        .on_conflict_do_update(index_elements=["item_code", "day"], set_={"count": Refusal.count + 1})
    )


class Advice(NamedTuple):
    """A guide as it is kept in memory."""

    key: str
    question: str
    keywords: str
    answer: str


class Guides:
    """The city's guides, made ready to be compared with a question."""

    def __init__(self, guides: Sequence[Advice]) -> None:
        self._guides = guides
        self._documents = [_pairs(guide.question).union(*map(_pairs, guide.keywords.split())) for guide in guides]
        self._words = [set(guide.keywords.split()) for guide in guides]
        self._owners = Counter(word for words in self._words for word in words)
        spread = Counter(pair for document in self._documents for pair in document)
        self._rarity = {pair: math.log(1 + len(guides) / count) for pair, count in spread.items()}

    @classmethod
    async def load(cls, session: AsyncSession) -> "Guides":
        columns = (Guide.key, Guide.question, Guide.keywords, Guide.answer)
        return cls([Advice(*row) for row in await session.execute(select(*columns).order_by(Guide.key))])

    def find(self, text: str) -> Advice | None:
        """The guide that answers ``text``, or None when none is near enough."""
        found = self.best(text)
        return found[0] if found and found[1] >= GUIDE_THRESHOLD else None

    def best(self, text: str) -> tuple[Advice, float] | None:
        """The nearest guide and how near it is: the share of the question's character pairs that stand in the guide, rare ones
        counting more, and a share for each of its keywords that was said in full. None without guides."""
        said = plain(text).lower()
        weight = {pair: self._rarity.get(pair, UNKNOWN_WEIGHT) for pair in _pairs(said)}
        total = sum(weight.values())
        scored = []
        for guide, document, keywords in zip(self._guides, self._documents, self._words, strict=True):
            share = sum(weight[pair] for pair in weight.keys() & document) / total if total else 0.0
            words = sum(1 / self._owners[word] for word in keywords if word.lower() in said)
            scored.append((share + KEYWORD_SHARE * min(words, KEYWORDS_COUNTED), guide))
        if not scored:
            return None
        score, guide = max(scored, key=lambda pair: pair[0])
        return guide, score


def _pairs(text: str) -> set[str]:
    """The character pairs of what is left of a question without its common words."""
    parts = _COMMON.sub(" ", _OTHER.sub(" ", plain(text).lower())).split()
    return {part[i : i + 2] for part in parts for i in range(max(1, len(part) - 1))}
