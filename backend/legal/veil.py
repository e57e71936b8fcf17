"""What would tell a volunteer who asks is taken out of the words until the resident agrees."""

import re

_ACCOUNT = re.compile(r"((?:微信|wx|qq)号?(?:是|[:：])?\s*)[a-z0-9][\w-]{4,}", re.IGNORECASE | re.ASCII)
_MAIL = re.compile(r"[\w.+-]+@[\w.-]+", re.ASCII)
# Phones, identity and card numbers: seven digits or more, spaces and hyphens between them or not. Sums are kept.
_NUMBER = re.compile(r"(?<![\d.])\+?\d(?:[ \-—－]?\d){6,}(?![\d.]|[ ]?(?:元|块|万|亿))")
_MASKED = re.compile(r"\d*\*{2,}[\dXx]*")
_NAME = re.compile(
    r"((?:我叫|本人叫|名字叫|名叫|名字是|姓名是|姓名)[:：是为]?\s*)(?!人|你|他|她|了|过|不|什么|啥)[㐀-鿿]{2,3}(?:·[㐀-鿿]+)?"
)
_ROOM = re.compile(r"\d+(?=号楼|栋|幢|单元|室|户(?![口籍]))")


def veiled(text: str) -> str:
    """``text`` with phones, identity numbers, accounts, house numbers and the name after 我叫 replaced."""
    text = _MAIL.sub("［已隐去］", text)
    text = _ACCOUNT.sub(r"\1［已隐去］", text)
    text = _MASKED.sub("［号码已隐去］", _NUMBER.sub("［号码已隐去］", text))
    text = _NAME.sub(r"\1某某", text)
    return _ROOM.sub("某", text)
