"""What is the matter: the words of a message that are not its address, its greeting or its opening."""

import re

from backend.grids.address import Reading

# Openings and fillers that carry no matter by themselves.
_EMPTY = re.compile(
    r"(您好|你好|喂|请问|麻烦(你们|您)?|那个|就是|嗯+|哎+|我们?|俺|咱们?|这里|那里|这边|那边|想|要|来|给|帮|跟你们?|向你们?|"
    r"(确认|确定|可以|好的?|对的?|行|嗯+|没错|补充|修改|取消|算了|没了|没有了?|别的|其他|其它|吗)|报事|报个?事情?|报修|投诉|举报|反映|反应|上报|报一?下|说一?下|个|一下|问题|情况|事情|有|件|事|"
    r"在|住|住在|位于|家|是|的|附近|旁边|门口|对面|里面?|小区|地址|位置|楼|层|了|吧|啊|呀|呢|哦|和|就|不是|而是|应该|改成|改为|换成|更正|不对|错|"
    r"拍|照片?|图片?|看看?|这个|这|那)+"
)
_NOISE = re.compile(r"[\s\W_]+", re.UNICODE)
SHORTEST = 2


def has_matter(reading: Reading) -> bool:
    """Whether the text says anything besides places, doors, phones, times and openings."""
    rest = list(reading.text)
    for span in reading.spans:
        if span.field != "time_phrase":
            rest[span.start : span.end] = " " * (span.end - span.start)
    plain = _NOISE.sub(" ", "".join(rest)).strip()
    meaning = _EMPTY.sub("", plain.replace(" ", ""))
    return len(meaning) >= SHORTEST
