"""Finding identity, bank and phone numbers in a text, checking them, and what is shown instead of them.

Identity numbers: GB 11643-1999 (place, day of birth, order, check digit after ISO 7064 MOD 11-2). Bank cards: the Luhn
check digit of ISO/IEC 7812-1.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from backend.vault.models import Secret

_PLACES = (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82, 83)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SPOKEN = dict(zip("零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "001234567891123456789", strict=True))
_PAUSE = r"[-\s,，、.。·/]"
_SPOKEN_RUN = re.compile(rf"[{''.join(_SPOKEN)}0-9](?:{_PAUSE}{{0,2}}[{''.join(_SPOKEN)}0-9]){{10,}}")
OLDEST_BIRTH = 1890
# NUL, zero-width and direction marks: nobody sees them, and a number with one inside is still a number.
UNSEEN = dict.fromkeys([0, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])

# In this order: what stands in one piece before what is written in groups.
_PATTERNS = (
    re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![0-9A-Za-z])"),
    re.compile(r"(?<!\d)(?:\+?86[- ]?)?1\d{10}(?!\d)"),
    re.compile(r"(?<!\d)\d{15,24}[Xx]?(?![0-9])"),
    re.compile(r"(?<![0-9A-Za-z])(?=(?:[A-Za-z]*\d){12})[A-Za-z0-9]{15,24}(?![0-9A-Za-z])"),
    re.compile(r"(?<![\d-])0\d{2,3}[- )）]\d{7,8}(?!\d)|(?<!\d)0[1-9]\d{9,10}(?!\d)"),
    re.compile(
        r"(?<![\d-])(?:\+?86[- ]?)?1\d{2}[- ]\d{4}[- ]\d{4}(?![\d-])|(?<![\d-])1\d{2}[- ]\d{2,4}(?:[- ]\d{2,4}){1,3}(?![\d-])"
    ),
    re.compile(r"(?<![\d-])\d{3,8}(?:[- ]\d{2,8}){2,6}[- ]?[Xx]?(?![\d-])"),
)
# With commas, points or line breaks between its groups, or one digit at a time; only what is a number beyond doubt.
_GROUPED = re.compile(rf"(?<!\d)\d{{1,13}}(?:{_PAUSE}{{1,2}}\d{{1,13}}){{1,40}}(?:{_PAUSE}{{0,2}}[Xx])?(?![0-9A-Za-z])")
_GROUPS = {
    Secret.PHONE: {(3, 4, 4), (3, 3, 5), (3, 8), (7, 4), (4, 3, 4), (4, 4, 3), (5, 6), (3, 2, 2, 2, 2), (3, 4, 2, 2)},
    Secret.IDENTITY: {(6, 8, 4), (6, 4, 4, 4), (6, 4, 2, 2, 4), (3, 3, 4, 4, 4), (6, 6, 6), (6, 12), (14, 4), (3,) * 6},
    Secret.BANK: {(4, 4, 4, 4), *((4, 4, 4, 4, n) for n in (1, 2, 3)), (6, 13), (6, 10), (8, 8)},
}


@dataclass(frozen=True)
class Found:
    """One number in a text. ``value`` is None, and ``problem`` says why, where it is no valid one.

    Problems: identity_length, identity_old, identity_place, identity_birth, identity_check, bank_check, bank_length,
    letters.
    """

    kind: Secret
    masked: str
    value: str | None = None
    problem: str = ""


def take_out(text: str, *, today: date, phones: bool = True) -> tuple[str, list[Found]]:
    """The text with every such number masked, and the numbers in the order of the text. Without ``phones`` those stay.

    Marks that nobody sees are gone from it.
    """
    text = text.translate(UNSEEN)
    plain = _even(text)
    taken: list[tuple[int, int, Found]] = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            if any(match.start() < end and start < match.end() for start, end, _ in taken):
                continue
            if (found := judge(match[0], today=today)) is not None and (phones or found.kind is not Secret.PHONE):
                taken.append((match.start(), match.end(), found))
    for start, end, found in _grouped(plain, today=today):
        overlaps = any(start < other_end and other_start < end for other_start, other_end, _ in taken)
        if not overlaps and (phones or found.kind is not Secret.PHONE):
            taken.append((start, end, found))
    pieces, at = [], 0
    for start, end, found in sorted(taken, key=lambda one: one[0]):
        pieces += [text[at:start], found.masked]
        at = end
    return "".join([*pieces, text[at:]]), [found for _, _, found in sorted(taken, key=lambda one: one[0])]


def _grouped(plain: str, *, today: date) -> Iterator[tuple[int, int, Found]]:
    """(start, end, number) of those that stand in usual groups with pauses between, whatever stands before and after."""
    for run in _GROUPED.finditer(plain):
        groups = [(run.start() + m.start(), m[0]) for m in re.finditer(r"\d+|[Xx]", run[0])]
        first = 0
        while first < len(groups):
            found = next(_beginning(groups[first:], today=today), None)
            if found is not None:
                count, number = found
                last_at, last = groups[first + count - 1]
                yield groups[first][0], last_at + len(last), number
            first += found[0] if found is not None else 1


def _beginning(groups: list[tuple[int, str]], *, today: date) -> Iterator[tuple[int, Found]]:
    """(how many groups, the number) of each valid number that the first groups are."""
    for count in range(2, min(len(groups), 20) + 1):
        digits = [group for _, group in groups[:count]]
        bare = "".join(digits).upper()
        if not 11 <= len(bare) <= 19:
            continue
        # An X of its own belongs to the digits before it.
        shape = tuple(map(len, digits if digits[-1].isdecimal() else [*digits[:-2], digits[-2] + digits[-1]]))
        if set(shape[:-1]) != {1} and not any(shape in shapes for shapes in _GROUPS.values()):
            continue
        found = judge(bare, today=today)
        if found is None or found.problem or (found.kind is Secret.PHONE and not re.fullmatch(r"1[3-9]\d{9}", bare)):
            continue
        if set(shape[:-1]) == {1} or shape in _GROUPS[found.kind]:
            yield count, found


def judge(written: str, *, today: date) -> Found | None:
    """What a run of digits is; None when it is no number of these kinds (a date, an event's number)."""
    bare = re.sub(r"[^0-9A-Za-z]", "", written).upper()
    if re.fullmatch(r"0\d{9,11}", bare):
        return Found(Secret.PHONE, mask(Secret.PHONE, bare), bare)
    phone = bare.removeprefix("86") if len(bare) == 13 else bare
    if re.fullmatch(r"1\d{10}", phone):
        return Found(Secret.PHONE, mask(Secret.PHONE, phone), phone)
    if len(bare) < 15:
        return None
    return _long(bare, today=today)


def _long(bare: str, *, today: date) -> Found:
    """What 15 and more digits and letters are."""
    if re.search(r"[A-Z]", bare.removesuffix("X")):
        return Found(Secret.BANK, mask(Secret.BANK, bare), problem="letters")
    identity = identity_problem(bare, today=today) if len(bare) == 18 else "identity_length"
    if re.fullmatch(r"\d{16,19}", bare) and luhn(bare) and identity:
        return Found(Secret.BANK, mask(Secret.BANK, bare), bare)
    if len(bare) in (15, 17, 18) or bare.endswith("X"):
        problem = "identity_old" if len(bare) == 15 else identity
        return Found(Secret.IDENTITY, mask(Secret.IDENTITY, bare), None if problem else bare, problem)
    return Found(Secret.BANK, mask(Secret.BANK, bare), problem="bank_check" if len(bare) in (16, 19) else "bank_length")


def identity_problem(number: str, *, today: date) -> str:
    """Which part of an 18-digit identity number cannot be, "" when none."""
    if int(number[:2]) not in _PLACES:
        return "identity_place"
    born = birth_of(number)
    if born is None or born > today or born.year < OLDEST_BIRTH:
        return "identity_birth"
    return "" if check_digit(number) == number[17] else "identity_check"


def birth_of(number: str) -> date | None:
    """The day of birth in an identity number; None when there is no such day."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def check_digit(number: str) -> str:
    """The 18th character of an identity number, from its first 17."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True)) % 11]


def luhn(number: str) -> bool:
    """Whether the last digit of a card number is its check digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def mask(kind: Secret, value: str) -> str:
    """What is shown: 3212**********001X, 6222****1234, 138****0000, 王**."""
    match kind:
        case Secret.IDENTITY:
            return f"{value[:4]}{'*' * (len(value) - 8)}{value[-4:]}"
        case Secret.BANK:
            return f"{value[:4]}****{value[-4:]}"
        case Secret.PHONE:
            return f"{value[:3]}****{value[-4:]}" if len(value) == 11 else f"{value[:4]}****{value[-3:]}"
        case Secret.NAME:
            return value[:1] + "*" * min(len(value) - 1, 3)
        case Secret.WORDS:
            return "***"


def _narrow(char: str) -> str:
    """A digit of any script, a full-width letter, a dash or a blank as its plain one."""
    if char <= "~":
        return " " if char == "\t" else char
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    if "！" <= char <= "～":
        return chr(ord(char) - 0xFEE0)
    return "-" if char in "–—－−‐‑﹣" else " " if char in "\u3000\u00a0" else char


def _even(text: str) -> str:
    """Digits of every script, and spoken ones, place for place; the spoken only in runs that are as long as a phone's."""
    narrow = "".join(map(_narrow, text))
    return _SPOKEN_RUN.sub(lambda run: "".join(_SPOKEN.get(char, char) for char in run[0]), narrow)
