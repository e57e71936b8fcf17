"""Typing what a button says is pressing it: 确认, 修好了, 五星 and the like, for people who do not press buttons."""

import itertools
import re
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Text, and_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Author, Message
from backend.hanzi import numeral, plain
from wording import Sentences

LOOK_BACK = 6
LONG_LOOK_BACK = 60
LASTING = ("/verify", "/rate")
SKIPS = '/subsidy_choice{"subsidy_choice":"skip='  # first where a figure is asked for: the answer is typed, and no button
WHOLE = ("/edit_report",)  # what follows 不对 is the correction itself
LONGEST = 40
_NOISE = re.compile(r"[\s，。！？、,.!?~～…：:；;“”\"']+")
_TAIL = re.compile(r"(了|啦|啊|呀|呢|吧|的|哦|噢|嘛|哈|谢谢|多谢|谢谢你|谢谢您|师傅)+$")
_PAUSE = re.compile(r"[，。！、,.! ]+")
_BUT = re.compile(r"不是|不过|但|错|改|换成|等等")
_QUESTION = re.compile(r"(吗|么|没|呢|不)?[？?]$|(吗|么|了没|没有没)$")
CERTAIN = 3
_COUNTED = re.compile(r"(?:我?[选要按]|就|那就)*第?([0-9０-９]{1,2}|[一二三四五六七八九十两]{1,2})(?:[个号项条种家]|号按钮)?")
_FIGURES = re.compile(r"[0-9]+|[零〇一二三四五六七八九十两百]+(?=[号星楼栋幢单期组网])")  # 另报一件 names no figure
# The code by which the other party joins a mediation: named in a text (perhaps a forwarded one), or alone.
_CODE = r"([A-HJ-NP-Za-hj-np-z2-9]{4}[-\s]?[A-HJ-NP-Za-hj-np-z2-9]{4})(?![0-9A-Za-z])"
_NAMED_CODE = re.compile(rf"调解码(?:是)?[:：\s]*{_CODE}")
_BARE_CODE = re.compile(rf"(?=.*\d)(?=.*[A-Za-z]){_CODE}[。.]?")


# Words about using the chat itself, and nothing else in the message: a question to the city's guide, however it is put.
_WHO = (
    r"(?:[我俺咱你您]们?|老[人头年]家?|家里老人|这个?|那个?|手机上?|屏幕上?|网?页面?上?|里面?|的|是|发|还|就|也|都|真|实在|有点|人家"
    r"|师傅|同志|请问)*+"
)
_TOO_SMALL = r"字[体号]?(?:也|实在|有点|真|都|是)?(?:太|好|这么|那么)?[小细][了啦得]?"
_LARGER = (
    r"(?:[打把调放弄搞变换给]|能不能|可不可以|能|可以|请)*+字[体号]?(?:[打调放弄搞变写]|能不能|可不可以|可以|能)*+"
    r"大(?:一?[点些]|一?号)儿?(?:吗|么|不|吧|行吗|好吗)?"
)
_UNSEEN = r"(?:根本|都|实在|又)?看不(?:清楚?|见|到)字?"
_UNREAD = (
    r"[不没](?:识|认得?|认识)(?:几个)?字|(?:不太?会|打不[来了出])[打写用]?(?:字|拼音|手机|微信|这个)?|文盲"
    r"|没[念读上]过(?:什么)?[书学]"
)
_VISIT = (
    r"(?:能不能|可不可以|能否|能|可以|有没有人|派个?人|叫个?人|来个?人)++(?:[你您]们)?(?:上门|到[我俺咱]们?家里?来|来[我俺咱]们?家里?)"
    r"(?:来|看看|看|望望|瞧瞧|办理?|服务|帮我|帮忙|一下|一趟|弄|登记|收)*+(?:[吗不么吧呀]|好吗|行吗|可以吗)?"
)
_CHAT = "|".join((_TOO_SMALL, _LARGER, _UNSEEN, _UNREAD, _VISIT))
_ABOUT_THE_CHAT = re.compile(rf"(?=.*(?:字|上门|家|文盲|过书|过学|手机|拼音)){_WHO}(?:(?:{_CHAT})[啊呀呢哦嘛了]?{_WHO})++")
ASKS_GUIDE = "/ask_guide"


def code_in(text: str) -> str | None:
    """The code to join a mediation that the text holds, in capitals; None when it holds none."""
    found = _NAMED_CODE.search(text) or _BARE_CODE.fullmatch(text.strip())
    return re.sub(r"[-\s]", "", found[1]).upper() if found else None


class Question(NamedTuple):
    """A message with buttons."""

    sequence: int
    buttons: list[dict[str, Any]]


@lru_cache(2048)  # each message is compared with the same hundred buttons
def bare(text: str) -> str:
    """The words without punctuation and polite endings; a text that is nothing else stays as it is."""
    plain = _NOISE.sub("", text)
    return _TAIL.sub("", plain) or plain


def button_meant(text: str, buttons: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The button that ``text`` names, or None.

    What counts: a text that is a title or one of a button's ``says``; one that begins with such words before a comma
    ("确认，快点来"), unless it takes them back ("对的，不过楼号错了"); and one that begins with such words of at least
    CERTAIN characters ("没修好还是黑的"). A question presses nothing. The longest match wins.
    """
    said = bare(text)
    if not said or len(said) > LONGEST:
        return None
    head, _, rest = _PAUSE.sub("\n", text.strip(), count=1).partition("\n")
    head = "" if _BUT.search(rest) or not rest else bare(head)
    asking = bool(_QUESTION.search(text.strip()))
    matches = []
    for button in buttons:
        for words in (button["title"], *button.get("says", "").split()):
            wanted = bare(words)
            begins = (
                not asking
                and not button["payload"].startswith(WHOLE)
                and (head == wanted or (len(wanted) >= CERTAIN and said.startswith(wanted)))
            )
            if said == wanted or begins:
                matches.append((len(wanted), button))
    return max(matches, key=lambda match: match[0])[1] if matches else None


def button_counted(text: str, buttons: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The button that a bare number means (1, 选二, 第三个, 4号), or None.

    Where just one button's own words hold that number it is meant (5 among the stars, 3 among 3号楼 and 5号楼), else the
    number counts the buttons. A question for a figure, and one with a single button, are not answered by counting.
    """
    counted = _COUNTED.fullmatch(bare(text))
    number = numeral(plain(counted[1])) if counted else None
    if number is None or len(buttons) < 2 or buttons[0]["payload"].startswith(SKIPS):
        return None
    named = [button for button in buttons if number in _figures(button["title"])]
    if len(named) == 1:
        return named[0]
    return buttons[number - 1] if 0 < number <= len(buttons) else None


def _figures(words: str) -> set[int | None]:
    return {numeral(figure) for figure in _FIGURES.findall(words)}


async def last_question(session: AsyncSession, message: Message) -> Question | None:
    """The one question that was asked since the resident last spoke; None where nothing, or more than one thing, was."""
    recent = await session.execute(
        select(Message.author, Message.sequence, Message.buttons)
        .where(
            Message.conversation_id == message.conversation_id,
            Message.sequence < message.sequence,
            Message.sequence >= message.sequence - LOOK_BACK,
        )
        .order_by(Message.sequence.desc())
    )
    since = itertools.takewhile(lambda row: row.author != Author.RESIDENT, recent)
    asked = [Question(row.sequence, row.buttons) for row in since if row.buttons]
    return asked[0] if len(asked) == 1 else None


async def questions(session: AsyncSession, conversation_id: int, *, before: int, back: int) -> list[Question]:
    """What was asked in the last ``back`` messages before a sequence, the latest first; of those more than LOOK_BACK before it
    only what is LASTING. Read once in a transaction."""
    known = session.info.setdefault("questions", {})
    if (conversation_id, before) not in known:
        recent = await session.execute(_ASKED, {"conversation_id": conversation_id, "before": before})
        known[conversation_id, before] = [Question(sequence, buttons) for sequence, buttons in recent]
    return [question for question in known[conversation_id, before] if question.sequence >= before - back]


_BEFORE = bindparam("before")
_BUTTONS = Message.buttons.cast(Text)
_ASKED = (
    select(Message.sequence, Message.buttons)
    .where(
        Message.conversation_id == bindparam("conversation_id"),
        Message.sequence < _BEFORE,
        Message.sequence >= _BEFORE - LONG_LOOK_BACK,
        Message.author != Author.RESIDENT,
        or_(
            and_(Message.sequence >= _BEFORE - LOOK_BACK, _BUTTONS != "[]"),
            *(_BUTTONS.contains(f'"{payload}', autoescape=True) for payload in LASTING),
        ),
    )
    .order_by(Message.sequence.desc())
)


async def press(session: AsyncSession, message: Message, *, sentences: Sentences, waiting: bool = False) -> str | None:
    """The payload of the button that a typed message names in the latest question, or None; found once in a transaction.

    Only the most recent message with buttons counts, and only among the last LOOK_BACK messages. Whether it is solved, and
    how many stars it gets, may be said long after it was asked (LASTING, among the last LONG_LOOK_BACK). A few words are
    understood whatever was asked last (response utter_commands), and some more while a person is waited for; so is a code to
    join a mediation. A bare number counts the buttons of the one question that was just asked. Words about using the chat
    (字太小, 我不识字, 能不能上门) ask the city's guide.
    """
    known = session.info.setdefault("pressed", {})
    if (message, waiting) not in known:
        known[message, waiting] = await _pressed(session, message, sentences, waiting=waiting)
    return known[message, waiting]


async def _pressed(session: AsyncSession, message: Message, sentences: Sentences, *, waiting: bool) -> str | None:
    if code := code_in(message.text):
        return f'/join_mediation{{"code":"{code}"}}'
    if len(bare(message.text)) > LONGEST:
        return None
    asked = await questions(session, message.conversation_id, before=message.sequence, back=LONG_LOOK_BACK)
    latest = next((m.buttons for m in asked if m.sequence >= message.sequence - LOOK_BACK), [])
    lasting = next((m.buttons for m in asked if m.buttons[0]["payload"].startswith(LASTING)), [])
    of_queue = sentences.say("utter_waiting_commands").buttons[0 if waiting else 1 :]  # the last: no person, after all
    choices = (latest, lasting, of_queue, sentences.say("utter_commands").buttons)
    button = next(filter(None, (button_meant(message.text, buttons) for buttons in choices)), None)
    if button is None and _COUNTED.fullmatch(bare(message.text)) and (question := await last_question(session, message)):
        button = button_counted(message.text, question.buttons)
    if button is None and _ABOUT_THE_CHAT.fullmatch(_NOISE.sub("", message.text)):
        return ASKS_GUIDE
    return button["payload"] if button else None
