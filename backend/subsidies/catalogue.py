"""The subsidies a city pays, read from YAML files: facts.yml says what can be asked, every other file is one kind.

Every error is reported with file, line and reason; a catalogue with an error is not used at all.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.subsidies import rules
from backend.subsidies.cycles import Cycle
from backend.subsidies.rules import All, Condition, Diagram, Domain, Not, Rule

Level = Literal["community", "street", "district", "department"]
FACTS_FILE = "facts.yml"
_REASONS = {
    "missing": "缺少这一项",
    "extra_forbidden": "没有这一项，请检查拼写",
    "int_type": "应是整数，钱用分、面积用百分之一亩",
    "int_parsing": "应是整数",
    "int_from_float": "应是整数，钱用分、面积用百分之一亩",
    "string_type": "应是文字",
    "list_type": "应是一个列表",
    "bool_type": "应是 true 或 false",
    "greater_than_equal": "太小",
    "less_than_equal": "太大",
    "literal_error": "只能是：{expected}",
    "string_pattern_mismatch": "格式不对",
    "string_too_short": "不能空着",
    "string_too_long": "太长",
    "too_short": "至少要有一项",
    "model_type": "应是若干“名称: 值”",
    "dict_type": "应是若干“名称: 值”",
}


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file, for the person who edits it."""

    file: str
    line: int
    reason: str


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Choice(_Strict):
    value: str = Field(min_length=1, max_length=32)
    title: str = Field(min_length=1, max_length=20)


class Reading(_Strict):
    """A fact read from what the resident says by the way: ``pattern`` found means ``value``, or the number in its group."""

    pattern: str
    value: str | bool | None = None


class Fact(_Strict):
    """Something a person can be asked. ``question`` may name {who}."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")
    name: str = Field(min_length=1, max_length=20)
    kind: Literal["number", "money", "area", "yes_no", "choice"]
    unit: str = ""
    low: int = 0
    high: int = 0
    choices: list[Choice] = []
    question: str = Field(min_length=2, max_length=120)
    reads: list[Reading] = []

    @property
    def domain(self) -> Domain:
        match self.kind:
            case "yes_no":
                return Domain(choices=(True, False))
            case "choice":
                return Domain(choices=tuple(choice.value for choice in self.choices))
        return Domain(low=self.low, high=self.high)


class RuleText(_Strict):
    """One rule as it is written: all, any, not, or a condition on a fact."""

    all_: list["RuleText"] | None = Field(None, alias="all", min_length=1)
    any_: list["RuleText"] | None = Field(None, alias="any", min_length=1)
    not_: "RuleText | None" = Field(None, alias="not")
    fact: str | None = None
    is_: bool | str | int | None = Field(None, alias="is")
    in_: list[str | int] | None = Field(None, alias="in", min_length=1)
    at_least: int | None = None
    at_most: int | None = None
    why: str = Field("", max_length=80)

    def rule(self) -> Rule:
        """The rule for the engine. It has been checked before."""
        if self.all_:
            return All(tuple(part.rule() for part in self.all_))
        if self.any_:
            return rules.Any(tuple(part.rule() for part in self.any_))
        if self.not_:
            return Not(self.not_.rule(), self.why)
        assert self.fact
        given = {
            "at_least": self.at_least,
            "at_most": self.at_most,
            "in": tuple(self.in_) if self.in_ else None,
            "is": self.is_,
        }
        op, value = next((op, value) for op, value in given.items() if value is not None)
        return Condition(self.fact, op, value, self.why)


class Amount(_Strict):
    """What is paid where ``when`` holds: ``fen``, or ``fen_per_unit`` for each whole unit (100) of an area, or of a number."""

    when: RuleText | None = None
    fen: int = Field(0, ge=0, le=10_000_000)
    fen_per: str | None = None
    fen_per_unit: int = Field(0, ge=0, le=10_000_000)
    text: str = Field(min_length=1, max_length=60)


class Document(_Strict):
    """A paper. ``when``: only where the rule holds. ``cure_days``: may be handed in later, within so many days; 0: no."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")
    name: str = Field(min_length=1, max_length=40)
    when: RuleText | None = None
    cure_days: int = Field(0, ge=0, le=90)


class ReviewLevel(_Strict):
    level: Level
    department: str = ""
    days: int = Field(ge=1, le=90)


class Kind(_Strict):
    """One subsidy. ``words``: what people call it. Amounts are fen, times are working days."""

    code: str = Field(pattern=r"^[a-z][a-z0-9_]{1,31}$")
    name: str = Field(min_length=2, max_length=30)
    words: list[str] = []
    basis: str = Field(min_length=4, max_length=120)
    when: RuleText
    amounts: list[Amount] = Field(min_length=1)
    documents: list[Document] = []
    levels: list[ReviewLevel] = Field(min_length=1)
    cycle: Cycle
    pays_from: Literal["application", "approval", "next"] = "approval"
    periods: int = Field(0, ge=0, le=600)
    arrears: bool = True
    publication_days: int = Field(0, ge=0, le=60)
    recheck: str = Field("", max_length=40)

    @cached_property
    def rule(self) -> Rule:
        return self.when.rule()

    @property
    def days(self) -> int:
        """Working days until it is decided, over all levels."""
        return sum(level.days for level in self.levels)

    def fen(self, case: int, facts: rules.Facts) -> int | None:
        """What case ``case`` pays in fen; None while the fact it is counted by is not known."""
        amount = self.amounts[case]
        if amount.fen_per is None:
            return amount.fen
        if amount.fen_per not in facts:
            return None
        return amount.fen + amount.fen_per_unit * int(facts[amount.fen_per]) // 100

    def papers(self, facts: rules.Facts) -> list[Document]:
        """The documents that are needed, as far as the facts say; one whose rule is undecided is asked for."""
        return [d for d in self.documents if d.when is None or rules.settle(d.when.rule(), facts) is not False]


@dataclass(frozen=True)
class Catalogue:
    """One version of everything a city pays. ``version`` is a hash of the content."""

    facts: dict[str, Fact]
    kinds: dict[str, Kind]

    @cached_property
    def diagrams(self) -> dict[str, Diagram]:
        domains = {key: fact.domain for key, fact in self.facts.items()}
        return {
            code: Diagram(kind.rule, tuple(a.when.rule() if a.when else True for a in kind.amounts), domains)
            for code, kind in self.kinds.items()
        }

    @cached_property
    def content(self) -> dict[str, Any]:
        """The catalogue as JSON, as it is stored with its version."""
        return {
            "facts": [fact.model_dump(mode="json", by_alias=True) for fact in self.facts.values()],
            "kinds": [kind.model_dump(mode="json", by_alias=True) for kind in self.kinds.values()],
        }

    @property
    def version(self) -> str:
        return hashlib.sha256(json.dumps(self.content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:16]

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> "Catalogue":
        facts = [Fact.model_validate(fact) for fact in content["facts"]]
        kinds = [Kind.model_validate(kind) for kind in content["kinds"]]
        return cls({fact.key: fact for fact in facts}, {kind.code: kind for kind in kinds})


M = TypeVar("M", bound=BaseModel)
Path_ = tuple[str | int, ...]


class _Doc:
    """A YAML document with the line of each of its values."""

    def __init__(self, path: Path) -> None:
        self.file = path.name
        self.lines: dict[Path_, int] = {}
        self.problems: list[Problem] = []
        self.data: Any = None
        try:
            text = path.read_text(encoding="utf-8")
            node = yaml.compose(text, yaml.SafeLoader)
            if node is None:
                self.problem((), "文件是空的")
                return
            self._walk(node, ())
            self.data = yaml.safe_load(text)
        except UnicodeDecodeError:
            self.problem((), "文件不是 UTF-8 编码")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.problems.append(Problem(self.file, mark.line + 1 if mark else 1, "YAML 格式有错，请检查缩进、冒号和引号"))
        except (yaml.YAMLError, ValueError, RecursionError):
            self.problem((), "YAML 读不出来")

    def _walk(self, node: yaml.Node, at: Path_) -> None:
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.constructor.ConstructorError(None, None, "", key.start_mark)
                if key.value in seen:
                    self.problems.append(Problem(self.file, key.start_mark.line + 1, f"“{key.value}”写了两次"))
                seen.add(key.value)
                self.lines[(*at, key.value)] = key.start_mark.line + 1
                self._walk(value, (*at, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._walk(value, (*at, number))

    def line(self, at: Path_) -> int:
        while at and at not in self.lines:
            at = at[:-1]
        return self.lines.get(at, 1)

    def problem(self, at: Path_, reason: str) -> None:
        self.problems.append(Problem(self.file, self.line(at), reason))

    def model(self, kind: type[M], data: Any, at: Path_) -> M | None:
        """``data`` as ``kind``, or None with the problems noted at their lines."""
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            for found in error.errors():
                # a union's branch is named in the location; it stands in no file
                where = tuple(part for part in found["loc"] if isinstance(part, int) or not re.match(r"^(bool|str|int)$", part))
                name = next((str(part) for part in reversed(where) if isinstance(part, str)), "")
                reason = _REASONS.get(found["type"], "不能这样写")
                reason = reason.format(**found.get("ctx", {})).replace("' or '", "'、'").replace("', '", "'、'")
                self.problem((*at, *where), f"{name}：{reason}" if name else reason)
        return None


def read(folder: Path) -> tuple[Catalogue | None, list[Problem]]:
    """The catalogue in ``folder`` and what is wrong with it; with a problem there is no catalogue.

    Raises FileNotFoundError where there is no facts.yml.
    """
    facts_doc = _Doc(folder / FACTS_FILE)
    docs = [facts_doc]
    facts = _facts(facts_doc)
    kinds: dict[str, Kind] = {}
    for path in sorted(folder.glob("*.y*ml")):
        if path.name == FACTS_FILE:
            continue
        docs.append(doc := _Doc(path))
        kind = doc.model(Kind, doc.data, ()) if doc.data is not None else None
        if kind is None:
            continue
        _check_kind(doc, kind, facts)
        if kind.code in kinds:
            doc.problem(("code",), f"“{kind.code}”在另一个文件里已经有了")
        kinds[kind.code] = kind
    problems = list(dict.fromkeys(sorted((p for doc in docs for p in doc.problems), key=lambda p: (p.file, p.line))))
    if not problems and not kinds:
        problems = [Problem(FACTS_FILE, 1, "文件夹里没有补贴种类的文件")]
    return (None if problems else Catalogue(facts, kinds)), problems


def _facts(doc: _Doc) -> dict[str, Fact]:
    listed = doc.data.get("facts") if isinstance(doc.data, dict) else None
    if not isinstance(listed, list):
        if doc.data is not None:
            doc.problem((), "要有 facts 列表")
        return {}
    found: dict[str, Fact] = {}
    for number, data in enumerate(listed):
        at: Path_ = ("facts", number)
        fact = doc.model(Fact, data, at)
        if fact is None:
            continue
        if fact.key in found:
            doc.problem((*at, "key"), f"“{fact.key}”写了两次")
        if fact.kind == "choice" and len({choice.value for choice in fact.choices}) < max(2, len(fact.choices)):
            doc.problem((*at, "choices"), "选项至少两个，不能重复")
        if fact.kind in ("number", "money", "area") and not 0 <= fact.low < fact.high:
            doc.problem((*at, "low"), "low 不能是负数，也不能大于 high")
        for index, reading in enumerate(fact.reads):
            try:
                groups = re.compile(reading.pattern).groups
            except re.error:
                doc.problem((*at, "reads", index, "pattern"), "正则表达式有错")
                continue
            wrong = (
                groups < 1 if reading.value is None else _value_problem(fact, reading.value)
            )  # a reading without a value takes the number in its group
            if wrong or (reading.value is None and fact.kind in ("yes_no", "choice")):
                doc.problem((*at, "reads", index), "value 不是这个事实可能的值")
        found[fact.key] = fact
    return found


def _check_kind(doc: _Doc, kind: Kind, facts: dict[str, Fact]) -> None:
    _check_rule(doc, kind.when, ("when",), facts)
    for number, amount in enumerate(kind.amounts):
        at: Path_ = ("amounts", number)
        if amount.when is not None:
            _check_rule(doc, amount.when, (*at, "when"), facts)
        if amount.fen_per is not None and (amount.fen_per not in facts or facts[amount.fen_per].kind not in ("area", "number")):
            doc.problem((*at, "fen_per"), f"“{amount.fen_per}”不是数量或面积")
        if (amount.fen_per is None) != (amount.fen_per_unit == 0) or (amount.fen == 0 and amount.fen_per is None):
            doc.problem(at, "金额要写 fen，或者写 fen_per 和 fen_per_unit")
        if (amount.when is None) != (number == len(kind.amounts) - 1):
            doc.problem(at, "最后一档不写 when，前面各档都要写")
    for number, document in enumerate(kind.documents):
        if document.when is not None:
            _check_rule(doc, document.when, ("documents", number, "when"), facts)
    codes = [document.code for document in kind.documents]
    for number, code in enumerate(codes):
        if code in codes[:number]:
            doc.problem(("documents", number, "code"), f"“{code}”写了两次")
    for number, level in enumerate(kind.levels):
        if (level.level == "department") != bool(level.department):
            doc.problem(("levels", number), "部门审批要写 department，别的级别不写")


def _check_rule(doc: _Doc, rule: RuleText, at: Path_, facts: dict[str, Fact]) -> None:
    forms = [
        name for name in ("all", "any", "not", "fact") if getattr(rule, name if name == "fact" else name + "_") is not None
    ]
    if len(forms) != 1:
        doc.problem(at, "每条规则只能写 all、any、not、fact 中的一个")
        return
    for number, part in enumerate(rule.all_ or rule.any_ or []):
        _check_rule(doc, part, (*at, forms[0], number), facts)
    if rule.not_ is not None:
        _check_rule(doc, rule.not_, (*at, "not"), facts)
    given = {"is": rule.is_, "in": rule.in_, "at_least": rule.at_least, "at_most": rule.at_most}
    said = [op for op, value in given.items() if value is not None]
    if rule.fact is None:
        if said:
            doc.problem(at, "比较要和 fact 写在一起")
        return
    if rule.fact not in facts:
        doc.problem((*at, "fact"), f"没有“{rule.fact}”这个事实，请检查拼写或先写进 {FACTS_FILE}")
        return
    if len(said) != 1:
        doc.problem(at, "一条比较只能写 is、in、at_least、at_most 中的一个")
        return
    fact = facts[rule.fact]
    if said[0].startswith("at_") and fact.kind in ("yes_no", "choice"):
        doc.problem((*at, said[0]), f"“{fact.name}”不是数，不能比大小")
        return
    values = rule.in_ if rule.in_ is not None else [given[said[0]]]
    for value in values:
        if _value_problem(fact, value):
            doc.problem((*at, said[0]), f"“{value}”不是“{fact.name}”可能的值")


def _value_problem(fact: Fact, value: Any) -> bool:
    """Whether ``value`` can never be this fact's."""
    if fact.domain.choices:
        return not any(value is choice or (isinstance(value, str) and value == choice) for choice in fact.domain.choices)
    return isinstance(value, bool) or not isinstance(value, int) or not fact.low <= value <= fact.high


def openings(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """(word, kind code) for each name that people use, the longest first."""
    pairs = [(word, kind.code) for kind in catalogue.kinds.values() for word in (kind.name, *kind.words)]
    return iter(sorted(pairs, key=lambda pair: -len(pair[0])))
