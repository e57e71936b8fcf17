"""The index: BM25 over characters and pairs of characters, of whole articles and of their sentences.

An article is searched with its statute's name and our heading for it, a question with the statutes' terms for its lay words.
docs/statutes.md gives the reasons and the measured figures.
"""

import hashlib
import logging
import os
import re
import unicodedata
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from backend.hanzi import plain
from backend.statutes.knowledge import Knowledge, shipped
from backend.statutes.names import Named, Names, law_key, split

_log = logging.getLogger(__name__)
_FORMAT = "1"
_PAIR = 1 << 21  # above every code point: a pair of characters is first * _PAIR + second
_SINGLE = 0.7  # a character counts less than a pair
_HEADING = 1.5
_EVERYDAY = 0.5  # what is left of a question's everyday words
_TERMS = 0.4
_K1, _B_ARTICLE, _B_SENTENCE = 1.2, 0.9, 0.75
_SENTENCE = 0.6  # an article's best sentence beside the article as a whole
_CANDIDATES = 200
_SENTENCES = re.compile(r"[\n；。]+")
_WORDS_OF_ASKING = (
    "怎么办 怎么样 怎么 怎样 如何 是否 能否 可否 吗 呢 吧 什么 哪些 哪个 哪里 为什么 请问 咨询 一下 "
    "可以 应该 应当 需要 我们 他们 我 你 他 她 它 的 了 是 有 在 和 与 这 那 该 就 都 也 还 被 把 让 给 对 会 能 "
    "要 想 说 后 又 但是 但 因为 所以 如果 现在 结果 属于 算 多少 谁"
)
_ASKING = re.compile("|".join(sorted(_WORDS_OF_ASKING.split(), key=len, reverse=True)))

Floats = np.ndarray[Any, np.dtype[np.float32]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Entry:
    """One version of an article, as it was imported."""

    article: str
    text: str
    version: str = ""
    effective_from: date | None = None
    effective_to: date | None = None


@dataclass(frozen=True)
class Found:
    """An article near a question. ``score`` runs from 0 to about 1 and compares across questions: how much of what was
    asked the article covers."""

    article: str
    text: str
    score: float


@dataclass(frozen=True)
class _Matrices:
    """``articles`` is terms x articles, ``sentences`` is sentences x terms, those of one article from ``first`` on."""

    terms: Ints
    articles: sparse.csr_matrix
    sentences: sparse.csr_matrix
    first: Ints
    rarity: Floats


class Index:
    """Finds articles; nothing in it changes after it is built."""

    def __init__(
        self, entries: Sequence[Entry], *, revision: int = 0, cache: Path | None = None, knowledge: Knowledge | None = None
    ) -> None:
        """Build the index, or take it from the folder ``cache`` when the same articles were indexed there before."""
        self.revision = revision
        self.knowledge = knowledge or shipped()
        self.entries = sorted(entries, key=lambda entry: (entry.article, entry.effective_from or date.min, entry.version))
        self._from, self._to = _periods(self.entries)
        self._names: tuple[date, Names] | None = None
        self._matrices = None
        if self.entries:
            self._matrices = self._stored(cache) if cache else _build(self.entries, self.knowledge)
            self._rarest = self._matrices.rarity.max()

    def nearest(self, question: str, limit: int = 10, *, at: date) -> list[Found]:
        """Return at most ``limit`` (up to 200) articles in force on the day ``at``, the nearest first.

        Articles that share nothing with the question are left out.
        """
        asked = self._asked(question) if self._matrices else {}
        if not asked or self._matrices is None:
            return []
        m = self._matrices
        codes = np.fromiter(sorted(asked), np.int64)
        places = np.minimum(np.searchsorted(m.terms, codes), len(m.terms) - 1)
        known = m.terms[places] == codes
        weights = np.array([asked[code] for code in codes.tolist()], np.float32)
        possible = float(weights @ np.where(known, m.rarity[places], self._rarest)) * (_K1 + 1)
        places, weights = places[known], weights[known]
        scores = m.articles[places].T @ weights
        scores[~self._in_force(at)] = 0
        least = np.partition(scores, -_CANDIDATES)[-_CANDIDATES] if len(scores) > _CANDIDATES else 0
        best = np.flatnonzero((scores >= least) & (scores > 0))
        if not len(best):
            return []
        best = best[np.argsort(-scores[best], kind="stable")][:_CANDIDATES]
        sentences = self._best_sentence(best, places, weights)
        fused = scores[best] / scores[best[0]] + _SENTENCE * sentences / sentences.max()
        order = np.lexsort((best, -fused))[: max(limit, 0)]
        unit = float(scores[best[0]]) / ((1 + _SENTENCE) * possible)
        return [
            Found(self.entries[best[i]].article, self.entries[best[i]].text, round(float(fused[i]) * unit, 4)) for i in order
        ]

    def articles_named(self, text: str, *, at: date) -> list[Named]:
        """Return every article ``text`` refers to; one that is not in force here on the day ``at`` has no ``article``."""
        return self.names(at).named(text)

    def unknown_in(self, text: str, *, at: date) -> list[str]:
        """The articles that ``text`` refers to and that are not in force here, as it names them, each once."""
        return list(dict.fromkeys(one.text for one in self.articles_named(text, at=at) if one.article is None))

    def names(self, at: date) -> Names:
        """Return the articles in force on the day ``at``, by name."""
        if self._names is None or self._names[0] != at:
            valid = self._in_force(at)
            self._names = (at, Names(entry.article for entry, good in zip(self.entries, valid, strict=True) if good))
        return self._names[1]

    def _in_force(self, at: date) -> np.ndarray[Any, np.dtype[np.bool_]]:
        day = at.toordinal()
        return (self._from <= day) & (day <= self._to)

    def _asked(self, question: str) -> dict[int, float]:
        """The weight of each code of the question and of the terms for its lay words."""
        question = plain(unicodedata.normalize("NFKC", question)).lower()
        weights: defaultdict[int, float] = defaultdict(float)
        telling = set(_codes(_ASKING.sub(" ", question)))
        for code in _codes(question):
            weights[code] += _weight(code) * (1 if code in telling else _EVERYDAY)
        added: dict[int, float] = {}
        for term, shared in self.knowledge.terms_for(question).items():
            for code in set(_codes(term)):
                added[code] = max(added.get(code, 0), _weight(code) / shared**0.5)
        for code, weight in added.items():
            weights[code] += _TERMS * weight
        return weights

    def _best_sentence(self, articles: Ints, places: Ints, weights: Floats) -> Floats:
        assert self._matrices is not None
        m = self._matrices
        asked = np.zeros(len(m.terms), np.float32)
        asked[places] = weights
        counts = m.first[articles + 1] - m.first[articles]
        starts = np.cumsum(counts) - counts
        rows = np.repeat(m.first[articles] - starts, counts) + np.arange(counts.sum())
        best: Floats = np.maximum.reduceat(m.sentences[rows] @ asked, starts)
        return best

    def _stored(self, folder: Path) -> _Matrices:
        """The matrices from a file named for the articles and for what they are built with; written when it is not there."""
        digest = hashlib.sha256(f"{_FORMAT} {self.knowledge.digest}".encode())
        for entry in self.entries:
            digest.update(f"\0{entry.article}\0{entry.text}".encode())
        path = folder / f"statutes-{digest.hexdigest()[:32]}.npz"
        if path.exists():
            try:
                return _read(path)
            except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
                _log.warning("The kept index cannot be read (%s) and is built anew.", type(error).__name__)
        matrices = _build(self.entries, self.knowledge)
        folder.mkdir(parents=True, exist_ok=True)
        _write(path, matrices)
        for old in folder.glob("statutes-*.npz"):
            if old != path:
                old.unlink(missing_ok=True)
        return matrices


def _read(path: Path) -> _Matrices:
    with np.load(path, allow_pickle=False) as file:
        return _Matrices(file["terms"], _loaded(file, "articles"), _loaded(file, "sentences"), file["first"], file["rarity"])


def _write(path: Path, matrices: _Matrices) -> None:
    """Write the file so that a reader finds all of it or none."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    kept = _kept("articles", matrices.articles) | _kept("sentences", matrices.sentences)
    np.savez(part, terms=matrices.terms, first=matrices.first, rarity=matrices.rarity, **kept)
    part.replace(path)


def _kept(name: str, matrix: sparse.csr_matrix) -> dict[str, Any]:
    return {
        f"{name}_data": matrix.data, f"{name}_indices": matrix.indices, f"{name}_indptr": matrix.indptr,
        f"{name}_shape": matrix.shape,
    }  # fmt: skip


def _loaded(file: Any, name: str) -> sparse.csr_matrix:
    parts = (file[f"{name}_data"], file[f"{name}_indices"], file[f"{name}_indptr"])
    return sparse.csr_matrix(parts, shape=tuple(file[f"{name}_shape"]))


def _periods(entries: Sequence[Entry]) -> tuple[Ints, Ints]:
    """The first and the last day of each entry as ordinals; the entries of an article stand together, the oldest first."""
    first = [(entry.effective_from or date.min).toordinal() for entry in entries]
    last = [(entry.effective_to or date.max).toordinal() for entry in entries]
    for i, entry in enumerate(entries[:-1]):
        if entries[i + 1].article == entry.article:
            last[i] = min(last[i], first[i + 1] - 1)
    return np.array(first, np.int64), np.array(last, np.int64)


def _is_word(points: Any) -> Any:
    """Which code points are Chinese characters, ASCII letters or digits."""
    spans = ((0x4E00, 0x9FFF), (0x30, 0x39), (0x61, 0x7A))
    return np.logical_or.reduce([(points >= low) & (points <= high) for low, high in spans])


def _tokens(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """The row and the code of every character and of every pair of neighbours. No text may hold a line break."""
    joined = unicodedata.normalize("NFKC", "\n".join(texts)).lower()
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.int64)
    word = _is_word(points)
    rows = np.cumsum(points == 10)
    pair = word[:-1] & word[1:]
    codes = np.concatenate((points[word], points[:-1][pair] * _PAIR + points[1:][pair]))
    return np.concatenate((rows[word], rows[:-1][pair])), codes


def _codes(text: str) -> list[int]:
    codes: list[int] = _tokens([text.replace("\n", " ")])[1].tolist() if text else []
    return codes


def _weight(code: int) -> float:
    return _SINGLE if code < _PAIR else 1.0


def _build(entries: Sequence[Entry], knowledge: Knowledge) -> _Matrices:
    sentences: list[str] = []
    first = [0]
    contexts: dict[tuple[str, str], int] = {}
    of_entry = []
    for entry in entries:
        parts = [part for part in _SENTENCES.split(entry.text) if len(part) > 1] or [entry.text.replace("\n", " ")]
        sentences += [part.replace("\r", " ") for part in parts]
        first.append(len(sentences))
        named = split(entry.article)
        context = (law_key(named[0]), knowledge.heading(named[1])) if named else (entry.article, "")
        of_entry.append(contexts.setdefault(context, len(contexts)))
    n, c = len(sentences), len(contexts)
    rows, codes = _tokens([*sentences, *(title for title, _ in contexts), *(heading for _, heading in contexts)])
    terms, columns = np.unique(codes, return_inverse=True)
    values = np.where(codes < _PAIR, _SINGLE, 1.0).astype(np.float32)
    counts = sparse.csr_matrix((values, (rows, columns)), shape=(n + 2 * c, len(terms)), dtype=np.float32)
    context = counts[n : n + c] + _HEADING * counts[n + c :]
    own, starts = np.array(of_entry), np.array(first)
    of_sentence = np.repeat(np.arange(len(entries)), np.diff(starts))
    articles = _membership(of_sentence, len(entries)).T @ counts[:n] + _membership(own, c) @ context
    of_parts = counts[:n] + _membership(own[of_sentence], c) @ context
    weighted, rarity = _bm25(articles.tocsr(), _B_ARTICLE)
    return _Matrices(terms, weighted.T.tocsr(), _bm25(of_parts.tocsr(), _B_SENTENCE)[0], starts, rarity)


def _membership(group: Any, groups: int) -> sparse.csr_matrix:
    """Members x groups, a one where a member belongs to a group."""
    return sparse.csr_matrix(
        (np.ones(len(group), np.float32), group, np.arange(len(group) + 1)), shape=(len(group), groups), dtype=np.float32
    )


def _bm25(counts: sparse.csr_matrix, b: float) -> tuple[sparse.csr_matrix, Floats]:
    """The BM25 weights of counts (documents x terms), and each term's rarity."""
    total = counts.shape[0]
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    holding = np.bincount(counts.indices, minlength=counts.shape[1])
    rarity = np.log(1 + (total - holding + 0.5) / (holding + 0.5)).astype(np.float32)
    slack = (_K1 * (1 - b + b * lengths / max(lengths.mean(), 1e-9))).astype(np.float32)
    per_value = np.repeat(slack, np.diff(counts.indptr))
    data = counts.data * np.float32(_K1 + 1) / (counts.data + per_value) * rarity[counts.indices]
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape), rarity
