"""Danger to life: the number to call comes first, before anything else. Only then is an event offered."""

import re
from typing import Any

from rasa_sdk.events import FollowupAction, SlotSet

from actions.correction import HearsCorrections
from actions.handoff import ask_for_person
from actions.numbers import event_meant
from actions.places import only_a_place, place_alone
from actions.turn import HouseAction, Turn

# The first kind whose words stand in the message decides; the order puts the more specific danger first. "rescue" is
# "suicide" of somebody else.
KINDS = {
    "rescue": "要跳 跳楼了 跳河了 割腕了 割了手腕 上吊了 喝了农药 喝农药了 吃了安眠药 留了遗书 想不开",
    "suicide": (
        "不想活 活着好累 活着累 活得好累 活得太累 活不下去 活着没意思 活够了 活腻 没法活 没法过了 一了百了 "
        "结束自己 结束生命 了结自己 自杀 轻生 跳楼 割腕 割了手腕 想死 不如死 喝农药 寻短见 遗书 跳河 安眠药 撑不下去 不想撑 "
        "熬不下去 站在天台 上吊"
    ),
    "gas": "煤气 燃气 天然气 液化气 臭鸡蛋 瓦斯 一氧化碳",
    "lift": "电梯里 困人 电梯困 困在电梯 困电梯 关在电梯 卡在电梯",
    "electric": "触电 电到 漏电 电倒 高压线 电线掉",
    "fire": ("着火 起火 失火 冒烟 火灾 火烧 烧起来 烧着 浓烟 明火 爆炸 119 火苗 烧东西 大烟 的烟 烧火 浓煙 著火 冒火"),
    "water": "落水 溺水 掉河 掉进河 淹 沉下去 掉水",
    "lost": "走丢 走失 找不着 找不到 不见了 丢了 失踪",
    "trapped": "困在 被困 压在 埋 塌 卡住 反锁",
    "police": (
        "打人 砍 刀 救命 杀 抢 家暴 打架 行凶 持械 绑 拐 抱走 强奸 闯进 撬门 殴打 往死里打 勒 掐 打她 "
        "打他 打我 打老婆 打孩子 泼油漆 追债"
    ),
    "medical": (
        "晕 昏 倒 没气 没呼吸 心梗 中风 抽搐 流血 出血 喘不上 不省人事 没反应 叫不醒 120 摔 撞 噎 中毒 "
        "心口 胸口 要生了 敲门不应"
    ),
}
LOOKED_AT = 60  # characters; nobody points at greater length
FAINT = 0.48  # below this, and with no word of danger, it was danger in none of the 1,019 sentences that we measure on
SUPPLEMENT = re.compile(r"(再|我|还)?(要|想)?补充")
OTHERS = re.compile(
    r"有人|有个|邻居|隔壁|楼上|对面|[他她]|朋友|同学|同事|老公|老婆|儿子|女儿|孩子|姑娘|小伙"
    r"|女的|男的|我[爸妈爷奶哥姐弟妹]"
)


# Only points somewhere: 就在我家这边, 楼下门口.
POINTS = re.compile(
    r"(?:[就在是住这那边里儿头的地到嘛啊呀呢哦噢吧，,。！!\s]|[我俺咱]们?|自己|家|附近|旁边|门口|门前|对[面门]|隔壁|楼[上下道里]|小区|村[子口头]?"
    r"|院子?|屋[里头]|位置|地方|东面|西面|南面|北面)+"
)


_THINGS_FALL = re.compile(r"(?:树|墙|杆|棚|牌|架|栏|车)(?:都|也|全|被风)*[吹刮]?倒(?!.{0,3}人)")  # nobody lies there


def kind_of(text: str) -> str:
    """Return the kind of danger that ``text`` names, "other" when none of the words stands in it."""
    text = _THINGS_FALL.sub("", text)
    kinds = (kind for kind, words in KINDS.items() if any(word in text for word in words.split()))
    return next((kind for kind in kinds if kind != "rescue" or OTHERS.search(text)), "other")


def is_faint(turn: Turn) -> bool:
    """Whether the model alone hears danger, and faintly."""
    return kind_of(turn.text) == "other" and turn.confidence < FAINT


def points(text: str) -> bool:
    """Whether the words only point somewhere."""
    return len(text) <= LOOKED_AT and bool(POINTS.fullmatch(text))


async def is_only_where(turn: Turn) -> bool:
    """Whether the words name no danger and nothing but where, whatever the model heard in them."""
    return kind_of(turn.text) == "other" and (points(turn.text) or await only_a_place(turn))


def say_emergency(turn: Turn, text: str, *, told: bool = False) -> None:
    """The number to call, unless it was ``told`` just now, then the offer to tell the grid's people."""
    kind = kind_of(text)
    turn.say("utter_emergency_noted" if told else f"utter_emergency_{kind}")
    turn.say(_offer(kind))


def _offer(kind: str) -> str:
    return "utter_emergency_offer_company" if kind == "suicide" else "utter_emergency_offer"


async def offer(turn: Turn, text: str) -> None:
    """What is offered once the number to call is said; for whoever is tired of life a person is asked for at once."""
    kind = kind_of(text)
    turn.say(_offer(kind))
    if kind == "suicide":
        await ask_for_person(turn, reason="self_harm")
        turn.say("utter_self_harm_person")


class Emergency(HouseAction):
    """Words of danger outside a report. A place alone is none, whatever the model heard in its name; what was meant as a
    supplement is added too, once the number to call is said."""

    action_name = "action_emergency"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if await is_only_where(turn):
            return await place_alone(turn)
        if is_faint(turn):
            return [FollowupAction("action_unsure")]
        turn.say(f"utter_emergency_{kind_of(turn.text)}")
        if SUPPLEMENT.match(turn.text) and (event := await event_meant(turn)):
            await turn.post(f"/events/{event['number']}/supplement", {"text": turn.text, "photos": []}, once="supplement")
            turn.say("utter_supplement_taken", number=event["number"])
        await offer(turn, turn.text)
        return [SlotSet("unsure_text", turn.text)]


class Affirm(HearsCorrections):
    """Yes to nothing, unless the words before were of danger: then it is yes to passing it on."""

    action_name = "action_affirm"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        if turn.heard_before == "emergency":
            return [FollowupAction("report_form")]
        turn.say("utter_menu")
        return []


class Deny(HearsCorrections):
    """No to nothing, unless it takes back something of what was just filed."""

    action_name = "action_deny"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        turn.say("utter_nothing_open")
        return []
