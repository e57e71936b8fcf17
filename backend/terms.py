"""How a text is found by its words, on both databases: an index of its pairs of characters.

SQLite's and PostgreSQL's own full-text searches cut words at spaces, which Chinese has not.
"""

import re

from backend.hanzi import plain

LONGEST = 32
_RUN = re.compile(r"[a-z0-9]+|[^\W_a-z0-9]+")


def terms_of(text: str) -> set[str]:
    """The pairs of characters of each run of Chinese, and the words of letters and digits; one character alone is a term
    where it stands alone."""
    found: set[str] = set()
    for run in _RUN.findall(plain(text).lower()):
        if run.isascii():
            found.add(run[:LONGEST])
        else:
            found.update(run[place : place + 2] for place in range(max(1, len(run) - 1)))
    return found
