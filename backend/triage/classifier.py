"""Which item of the admission list a resident's words are about, and where one message holds two matters."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import jieba

from backend.triage import shipped
from backend.triage.model import Model

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "triage" / "items.csv"

# A new matter after a full stop or a word that opens one needs less certainty than after a comma.
SURE_AFTER_BREAK = 0.45
SURE_AFTER_COMMA = 0.75
SURE_BEFORE = 0.45
SHORTEST_CLAUSE = 2
REMEMBERED = 32  # texts: the clauses of a message are looked at several times

_AT_START = r"(?:(?<=[，,。；;、：:！!？?\s])|^)"
_OPENS = (
    r"还有(?:就是|一?[个件]事?)?|另外|再有|再就是|其次|顺便(?:说一?下|问一?下|讲一下|报一下)?|顺带|除此之外|此外|以及|同时|"
    rf"加上|外加|仲有|同埋|{_AT_START}(?:对了|第[一二三]个?是?|[一二三]是|一个是)"
)
_BREAK = re.compile(rf"(?P<comma>[，,、：:\s]+)|(?P<stop>[。；;！!？?~～…]+)|(?P<opens>{_OPENS})")
# How others answered and what came of it belongs to the matter before it; a place says what follows.
_BELONGS = re.compile(
    r"不管|没人管|管不了|没得人管|冇人理|不理|没人理|没人来|没来|不来|不修|不认|不肯|不听|不挪|不归|反映|投诉|举报|打电话|打了|电话|找了|找过|找他|"
    r"推[来给]|说[了过是他不]|(?:社区|街道|村里?|物业|居委会?|你们)[又也都还]?(?:说|叫|让)|讲了|劝|催|希望|请|麻烦|求|恳请|能不能|可不可以|怎么办|咋办|谁来|什么时候|"
    r"说[在要等]|母亲|父亲|婆婆|公公|腿脚|行动不便|看病|[上下]不?了?楼|没办法|帮忙|协调|"
    r"堵了一|堵得|冲[了出坏]|压坏|砸[到了坏]|泡了|差点|害怕|担心|怕|危险|隐患|受不了|睡不着|睡不好|没法|摔|看不见|看不清|影响|导致|害得|弄得|搞得|结果|所以|因为|"
    r"^停在|^停着|^卡在|我爸|我妈|老人|孩子|小孩|娃|孙子|孙女|奶奶|爷爷|(?:[口边里上下面旁头处]|附近|旁边|小区|社区|单元|\d)$"
)
# Anger about us: no matter of its own, whatever the model hears in it.
_TEMPER = re.compile(r"^(?:你们|什么|都)?.{0,4}(?:破系统|破玩意|干什么吃的|吃干饭|不作为|管不管|气死|他妈|有没有人管|什么态度)")
# Says only that matters follow.
_ANNOUNCES = re.compile(r"[两二三四几23](?:件|个|桩|样)(?:小?事情?|问题|情况)$")
_NUMBER = re.compile(r"^(?:(?:\d+|[一二三四五])(?:[.．)）](?!\d)|$)|[①②③④⑤])\s*")


# Speech that a telephone wrote down has no punctuation: a matter may begin where the words before it can end and those after it
# can begin, if both sides are certain.
SURE_IN_SPEECH = 0.87
SPOKEN_RUN = 20  # characters without punctuation
SHORTEST_SPOKEN = 5
PLACES_TRIED = 32
BELONGS_BEGINS = 10
_RUN = re.compile(rf"[^，,、：:\s。；;！!？?~～…]{{{SPOKEN_RUN},}}")
_ENDS = re.compile(
    r"(?:[了啊呀呢嘛吧哦嘞咧]|得很|得慌|要命|[吓臭吵烦气]人的?|[不没][一-龥]{1,2}|[一-龥]死|坏|断|倒|满|堵|走|灭|响|危险|老远)$"
)
_BEGINS = re.compile(
    r"还有|然后|另外|而且|加上|再[有就]|对了|有人|有个|楼[上下道顶]|门口|隔壁|对面|旁边|路[边上口灯]|[小社]区|单元|车库|电梯|绿化|垃圾|"
    r"[那这][个边条家辆]|[一-龥]{2,5}[也又还都](?!有)|晚上|白天|我家|我们|俺们?|三楼|[一二三四五六]楼|外墙|工地|河|井盖|电动车|电瓶车|装修|物业|保安"
)
_NO_END = re.compile(r"[那这个条在还又也都就把被给跟和天得着的一]$")
_NO_BEGIN = re.compile(
    r"[了的着过得地到住不没也又还都就]|小时|[一二两三四五六七八九十几半好多\d]+[辆条个只台片摊天年月分]|[一-龥]多[个天年]"
)
_CAME_OF_IT = re.compile(r"[撞烫淋绊]|跟他|找他|打12|崴|跑都")


class ItemClassifier:
    """A trained model over item codes, with what it takes to cut a message into its matters. ``off_list``: items that are
    refused, which are never a matter beside another one."""

    def __init__(self, model: Model, off_list: Collection[str] = ()) -> None:
        self.model = model
        self.off_list = frozenset(off_list)
        self._rank = lru_cache(REMEMBERED)(model.rank)

    @classmethod
    def load(cls, path: Path, *, keywords: Mapping[str, str] | None = None, off_list: Collection[str] = ()) -> "ItemClassifier":
        """Read the model at ``path``, or train it there when it is missing or older than the examples (some seconds).

        ``keywords`` maps item codes to their names and keywords; an item without examples is known by these alone.
        A model that the city trained itself with ``linlitong triage train`` is used as it is.
        """
        return cls(shipped.load(path, _examples(keywords or {})), off_list)

    def classify(self, text: str) -> list[tuple[str, float]]:
        """Every item code with its calibrated probability, likeliest first."""
        return self._rank((text,))

    def certain(self, text: str, joined: bool) -> bool:
        """Whether a part of a message is certainly about something; ``joined``: a word such as 和 says that it is a part."""
        return self.classify(text)[0][1] >= (SURE_AFTER_BREAK if joined else SURE_AFTER_COMMA)

    def split(self, text: str) -> list[str]:
        """The message's matters in the order they were said; the whole message where it holds one.

        A cut needs certainty on both sides, about different items.
        """
        cuts: list[tuple[int, int]] = []
        start = end = 0
        sure_of = ""
        for clause_start, clause_end, broken in _clauses(text):
            clause = text[clause_start:clause_end]
            if not end and _ANNOUNCES.search(clause):
                continue
            code, probability = self.classify(clause)[0]
            belongs = len(clause) <= SHORTEST_CLAUSE or _BELONGS.search(clause) or _TEMPER.search(clause)
            if sure_of and code != sure_of and probability >= (SURE_AFTER_BREAK if broken else SURE_AFTER_COMMA):
                before, certainty = self.classify(text[start:end])[0]
                if (broken or not belongs) and certainty >= SURE_BEFORE and before != code:
                    cuts.append((start, end))
                    start, sure_of = clause_start, code
            elif not sure_of and not belongs and probability >= SURE_BEFORE:
                sure_of = code
            start, end = start if cuts or end else clause_start, clause_end
        parts = [text[a:b] for a, b in (*cuts, (start, end))] if cuts else [text.strip()]
        return [matter for part in parts for matter in self._spoken(part)]

    def _spoken(self, text: str) -> list[str]:
        """The two matters that were said in one breath, without punctuation between them; else the text as it is."""
        best: tuple[int, float, int] | None = None
        for at, fit in sorted(_pauses(text), key=lambda pause: -pause[1])[:PLACES_TRIED]:
            before, after = self.classify(text[:at])[0], self.classify(text[at:])[0]
            sure = min(before[1], after[1])
            if before[0] == after[0] or sure < SURE_IN_SPEECH or {before[0], after[0]} & self.off_list:
                continue
            best = max(best or (fit, sure, at), (fit, sure, at))
        return [text[: best[2]], text[best[2] :]] if best else [text]


def _clauses(text: str) -> list[tuple[int, int, bool]]:
    """Start and end of the parts between punctuation and opening words, and whether a full stop or such a word stands
    before each."""
    found: list[tuple[int, int, bool]] = []
    start, broken = 0, False
    for cut in [*_BREAK.finditer(text), None]:
        end = cut.start() if cut else len(text)
        if number := _NUMBER.match(text[start:end]):
            start, broken = start + number.end(), True
        if start < end:
            found.append((start, end, broken))
            broken = False
        if cut:
            broken = broken or cut["comma"] is None
            start = cut.end()
    return found


def _pauses(text: str) -> Iterator[tuple[int, int]]:
    """Where a speaker may have taken breath: the place and how well both sides fit it."""
    for run in _RUN.finditer(text):
        at = run.start()
        for word in jieba.cut(run[0]):
            before, after = text[run.start() : at], text[at : run.end()]
            ends, begins = bool(_ENDS.search(before)), bool(_BEGINS.match(after))
            belongs = _BELONGS.search(after[:BELONGS_BEGINS]) or _CAME_OF_IT.search(after[:BELONGS_BEGINS])
            bad = belongs or _NO_BEGIN.match(after) or (not ends and _NO_END.search(before))
            if min(len(before), len(after)) >= SHORTEST_SPOKEN and (ends or begins) and not bad:
                yield at, ends + begins
            at += len(word)


def _examples(keywords: Mapping[str, str]) -> list[tuple[str, str]]:
    """Texts with item codes."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        examples = [(row["text"], row["item_code"]) for row in csv.DictReader(file)]
    return examples + [(words, code) for code, words in sorted(keywords.items()) if words.strip()]
