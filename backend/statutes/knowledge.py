"""What we know of Chinese law beside its text: lay words for its terms, and what an article is about. Two files by hand."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.statutes.names import Identity, law_key

_FOLDER = Path(__file__).parent
_FILES = (_FOLDER / "lay_terms.txt", _FOLDER / "headings.txt")


@dataclass(frozen=True)
class Knowledge:
    """``terms`` are the statutes' terms for each lay word; ``headings`` are (from, to, words) for each statute's key."""

    terms: dict[str, tuple[str, ...]]
    headings: dict[str, list[tuple[int, int, str]]]
    digest: str

    def heading(self, identity: Identity) -> str:
        """Return the words of every line the article falls under, separated by spaces."""
        lines = self.headings.get(identity.law, ())
        return " ".join(words for first, last, words in lines if first <= identity.number <= last)

    def terms_for(self, question: str) -> dict[str, int]:
        """Return the statutes' terms for the lay words in ``question``, each with how many terms share its lay word.

        A lay word that only stands inside a longer one (医疗 in 医疗费) is left out.
        """
        found: list[str] = []
        for word in sorted((word for word in self.terms if word in question), key=lambda word: (-len(word), word)):
            if not any(word in longer and question.count(word) == question.count(longer) for longer in found):
                found.append(word)
        result: dict[str, int] = {}
        for word in found:
            for term in self.terms[word]:
                result[term] = min(result.get(term, 99), len(self.terms[word]))
        return result


@cache
def shipped() -> Knowledge:
    """Return the knowledge of lay_terms.txt and headings.txt."""
    terms: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for line in _lines(_FILES[0]):
        said, meant = line.split("=")
        for word in said.split():
            terms[word] |= dict.fromkeys(meant.split())
    headings: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for line in _lines(_FILES[1]):
        law, span, words = line.split(maxsplit=2)
        first, last = map(int, span.split("-"))
        headings[law_key(law)].append((first, last, words))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in _FILES)).hexdigest()
    return Knowledge({word: tuple(meant) for word, meant in terms.items()}, dict(headings), digest)


def _lines(file: Path) -> list[str]:
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]
