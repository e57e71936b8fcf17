"""Chinese text as it is typed: full-width and traditional forms, spoken numerals."""

import unicodedata

_TRADITIONAL = dict(
    zip(
        "號樓棟單層區鎮鄉莊園東門電話點鐘個禮週廣場華龍鳳陽雲麗廈濱灣橋鐵廠銀業鄰裡這們樣還兩從開說對錯過後時間間號戶約幾來天",
        "号楼栋单层区镇乡庄园东门电话点钟个礼周广场华龙凤阳云丽厦滨湾桥铁厂银业邻里这们样还两从开说对错过后时间间号户约几来天",
        strict=True,
    )
)
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0, "两": 2, "幺": 1, "壹": 1, "贰": 2, "叁": 3}
_UNITS = {"十": 10, "百": 100, "千": 1000, "拾": 10, "佰": 100}
NUMERALS = "".join(_DIGITS) + "".join(_UNITS)


def plain(text: str) -> str:
    """Return ``text`` with half-width letters and digits and simplified forms, character for character."""
    return "".join(_fold(char) for char in text)


def _fold(char: str) -> str:
    if "！" <= char <= "～":
        narrow = chr(ord(char) - 0xFEE0)
        return narrow if narrow.isalnum() or narrow in "#-+" else char
    if char in "–—－−‐‑﹣":
        return "-"
    if char == "＃":
        return "#"
    if char.isdecimal() and not char.isascii():
        return str(unicodedata.decimal(char))
    return _TRADITIONAL.get(char, char)


def numeral(text: str) -> int | None:
    """Return the number a plain numeral stands for: 12, 十二, 二十一, 一百零五, 五零一; None when it is none."""
    if text.isascii() and text.isdigit():
        return int(text)
    if not text or any(char not in _DIGITS and char not in _UNITS for char in text):
        return None
    if not any(char in _UNITS for char in text):
        return int("".join(str(_DIGITS[char]) for char in text))
    total, digit = 0, None
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        else:
            total += (1 if digit is None else digit) * _UNITS[char]
            digit = None
    return total + (digit or 0)
