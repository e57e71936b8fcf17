"""Event numbers: eight digits, said as two groups of four; the last one checks the others."""

import re
import secrets

NUMBER = re.compile(r"(?<!\d)(\d{4})[-\s—－]?(\d{4})(?!\d)")


def new_number() -> str:
    """Return a number that cannot be guessed from another one, e.g. ``4827-1936``."""
    digits = f"{secrets.randbelow(9_000_000) + 1_000_000}"
    return format_number(digits + check_digit(digits))


def format_number(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:]}"


def check_digit(digits: str) -> str:
    """The Luhn check digit (ISO/IEC 7812-1, annex B): finds every single wrong digit and most swaps."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def read_number(text: str) -> str | None:
    """Return the first well-formed number in ``text`` as ``dddd-dddd``, or None."""
    for found in NUMBER.finditer(text):
        digits = found[1] + found[2]
        if check_digit(digits[:-1]) == digits[-1]:
            return format_number(digits)
    return None
