"""The one form in which every text is looked at, and the pieces it is looked at in."""

from __future__ import annotations

import functools
import importlib.util
import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import jieba

from bot.engine.components import concepts

# What follows in a longer text no longer changes what it is about, but would cost time.
LOOKED_AT = 600
CHARACTERS = (1, 2, 3, 4)
SYLLABLES = (1, 2, 3)
LONGEST_SYLLABLE = 6
PAUSES = re.compile(r"[,、;。.…~]+")
REPEATED = re.compile(r"(.)\1{2,}")
HAN = re.compile(r"[㐀-鿿]")
BESIDE_HAN = re.compile(r"(?<![a-z0-9]) | (?![a-z0-9])")
RUNS = re.compile(r"[a-z']+|[^a-z' ]")


def normalise(text: str) -> str:
    """Half-width, simplified, lower case, at most LOOKED_AT characters. Marks that cannot be seen (NUL, zero-width,
    direction) are gone, three or more of a character are two, pauses are one comma, each digit is 0, and spaces stand
    only between Latin words once there is a Chinese character.
    """
    compatible = unicodedata.normalize("NFKC", text[: 2 * LOOKED_AT])
    visible = (" " if c.isspace() else c for c in compatible if c.isspace() or unicodedata.category(c)[0] != "C")
    simplified = " ".join("".join(visible).lower().split())[:LOOKED_AT].translate(_simplified_forms())
    evened = PAUSES.sub(",", REPEATED.sub(r"\1\1", simplified))
    evened = "".join("0" if c.isdecimal() else c for c in evened)
    return BESIDE_HAN.sub("", evened) if HAN.search(evened) else evened


def pieces(normalised: str) -> Iterator[str]:
    """The words that jieba finds, the concepts, the characters 1 to 4 and the syllables 1 to 3 at a time. All but the
    characters stand behind a mark of their own.
    """
    for word in jieba.cut(normalised):
        yield "\t" + word
    for concept in concepts.found(normalised):
        yield "\tc" + concept
    bounded = f"\n{normalised}\n"
    for length in CHARACTERS:
        for start in range(len(bounded) - length + 1):
            yield bounded[start : start + length]
    sounds = ["\n", *syllables(normalised), "\n"]
    for length in SYLLABLES:
        for start in range(len(sounds) - length + 1):
            yield "\tp" + " ".join(sounds[start : start + length])


def syllables(normalised: str) -> list[str]:
    """How the text sounds, without tones: a Chinese character is its commonest reading, Latin letters are cut into
    syllables where they can be pinyin ("ludeng" is lu, deng), and anything else stays as it is.
    """
    readings = _readings()
    sounds: list[str] = []
    for run in RUNS.findall(normalised):
        if run.isascii() and run[0].isalpha():
            sounds += _cut(run.replace("'", "")) or [run]
        else:
            sounds.append(readings.get(run, run))
    return sounds


@functools.lru_cache(maxsize=4096)
def _cut(letters: str) -> list[str] | None:
    """The fewest pinyin syllables that make up the letters; None when they are no pinyin."""
    known = _known_syllables()
    cuts: list[list[str] | None] = [[]] + [None] * len(letters)
    for end in range(1, len(letters) + 1):
        for start in range(max(0, end - LONGEST_SYLLABLE), end):
            before, syllable = cuts[start], letters[start:end]
            best = cuts[end]
            if before is not None and syllable in known and (best is None or len(before) + 1 < len(best)):
                cuts[end] = [*before, syllable]
    return cuts[-1]


# The two tables are read as files: importing the packages brings in dictionaries of phrases, 70 MB of memory.
def _table(package: str, name: str) -> str:
    """The text of a file that a package brings."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed", name=package)
    return (Path(found.submodule_search_locations[0]) / name).read_text(encoding="utf-8")


@functools.cache
def _simplified_forms() -> dict[int, str]:
    """Traditional characters with their first simplified form (OpenCC's table)."""
    pairs = (line.split("\t") for line in _table("opencc_purepy", "dicts/TSCharacters.txt").splitlines() if "\t" in line)
    return {ord(old): new.split()[0] for old, new in pairs if len(old) == 1}


@functools.cache
def _readings() -> dict[str, str]:
    """The commonest reading of each Chinese character, without tone; ü is v."""
    readings = json.loads(_table("pypinyin", "pinyin_dict.json"))
    return {chr(int(code)): sys.intern(_toneless(each.split(",")[0])) for code, each in readings.items()}


@functools.cache
def _known_syllables() -> frozenset[str]:
    return frozenset(_readings().values())


def _toneless(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading).replace("u\N{COMBINING DIAERESIS}", "v")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
