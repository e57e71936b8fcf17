"""Danger to life: the number to call comes first, before anything else. Only then is an event offered."""

from typing import Any

from rasa_sdk.events import SlotSet

from actions.turn import HouseAction, Turn

# The first kind whose words stand in the message decides; the order puts the more specific danger first.
KINDS = {
    "suicide": [
        "不想活",
        "活不下去",
        "自杀",
        "轻生",
        "跳楼",
        "割腕",
        "想死",
        "喝农药",
        "结束生命",
        "寻短见",
        "遗书",
        "跳河",
        "安眠药",
    ],
    "gas": ["煤气", "燃气", "天然气", "液化气", "臭鸡蛋", "瓦斯"],
    "fire": [
        "着火",
        "起火",
        "失火",
        "冒烟",
        "火灾",
        "火烧",
        "烧起来",
        "烧着",
        "浓烟",
        "明火",
        "爆炸",
        "119",
        "火苗",
        "烧东西",
        "大烟",
        "的烟",
        "烧火",
        "浓煙",
        "著火",
    ],
    "water": ["落水", "溺水", "掉河", "掉进河", "淹", "沉下去", "掉水"],
    "lost": ["走丢", "走失", "找不着", "找不到", "不见了", "丢了", "失踪", "被拐", "抱走"],
    "trapped": ["困在", "被困", "压在", "埋", "电梯里", "塌", "卡住", "触电", "电到", "漏电"],
    "police": [
        "打人",
        "砍",
        "刀",
        "救命",
        "杀",
        "抢",
        "家暴",
        "打架",
        "行凶",
        "持械",
        "绑架",
        "强奸",
        "闯进",
        "撬门",
        "殴打",
        "往死里打",
        "勒",
        "掐",
        "打她",
        "打他",
        "打我",
        "打老婆",
    ],
    "medical": [
        "晕",
        "昏",
        "倒",
        "没气",
        "没呼吸",
        "心梗",
        "中风",
        "抽搐",
        "流血",
        "出血",
        "喘不上",
        "不省人事",
        "没反应",
        "120",
        "摔",
        "撞",
        "噎",
        "中毒",
        "心口",
        "胸口",
        "要生了",
    ],
}


def kind_of(text: str) -> str:
    """Return the kind of danger that ``text`` names, "other" when none of the words stands in it."""
    return next((kind for kind, words in KINDS.items() if any(word in text for word in words)), "other")


def say_emergency(turn: Turn, text: str, *, told: bool = False) -> None:
    """The number to call, unless it was ``told`` just now, then the offer to tell the grid's people."""
    turn.say("utter_emergency_noted" if told else f"utter_emergency_{kind_of(text)}")
    turn.say("utter_emergency_offer")


class Emergency(HouseAction):
    action_name = "action_emergency"

    async def act(self, turn: Turn) -> list[dict[str, Any]]:
        say_emergency(turn, turn.text)
        return [SlotSet("unsure_text", turn.text)]
