"""Telegram's measures: it counts a text in UTF-16 units."""

TEXT_UNITS = 4096
CAPTION_UNITS = 1024
BORDERS = ("\n", "。", "！", "？", "；", ". ", "，", " ")


def units(text: str) -> int:
    """The length of the text as Telegram counts it: most emoji are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, limit: int = TEXT_UNITS) -> list[str]:
    """The text in pieces of at most ``limit`` units, cut after a line or a sentence where there is one in the second
    half of a piece. Nothing visible is lost; an empty text is no piece."""
    pieces = []
    rest = text.strip()
    while units(rest) > limit:
        head = _head(rest, limit)
        cuts = (head.rfind(border) + len(border) for border in BORDERS if border in head)
        cut = next((cut for cut in cuts if cut > len(head) // 2), len(head))
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [piece for piece in (*pieces, rest) if piece]


def _head(text: str, limit: int) -> str:
    """The longest beginning of at most ``limit`` units."""
    head = text[:limit]
    while (over := units(head) - limit) > 0:
        head = head[: -max(1, over // 2)]
    return head
