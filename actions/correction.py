"""What was filed was not right: outside any form, the last report is opened again and put right where it stands.

Words that say so, an edited message, or what only takes something back (不是3号楼，是5号楼) soon after filing begin it.
"""

import re
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from actions.numbers import number_in
from actions.turn import HouseAction, Turn

Events = list[dict[str, Any]]
SOON = 30  # minutes in which 不是3号楼，是5号楼 can only be about what was just filed
LATELY = 2 * 24 * 60  # minutes in which an edited message corrects the report; Telegram lets messages be edited as long
LOOKED_AT = 60  # characters
_OPENING = (
    r"(?:[，,。！!\s]|哎呀?|哦|噢|啊|呃|嗯|那个|不好意思|对不起|抱歉|等等|等一?下|我|俺|才?刚[才刚]?|之前|前面|上面|上一?[条个件句]|"
    r"[那这][条个件张]?|事情?|单子|[报说写发填登]记?的|里面?|的|把|有|点|一?[处个]|地方|好像|可能|编号|[\d—－-])*+"
)
_PART = r"(?:地址|地点|位置|楼号|楼栋|楼层|[楼栋幢]|几?号|门牌号?|单元|房号|房间|小区|社区|街道|路名|内容|类[别型]|分类|描述)*+"
_WRONG = r"(?:[说讲写报填打弄搞发输选点登记]+(?:的是?)?[错反](?:了|啦|咧|嘞|喽)?|(?:不对|有误|错)(?:了|啦|咧|嘞|喽)?)"
SLIP = re.compile(rf"^(?:{_OPENING}{_PART}是?)?{_OPENING}{_PART}{_OPENING}{_WRONG}")
NAMES_IT = re.compile(r"[说讲写报填打弄搞发输选登记]+(?:的是?)?[错反]|地址|地点|位置|楼|号|单元|小区|社区|内容|类")
TAKEN_BACK = re.compile(rf"^{_OPENING}{_PART}{_OPENING}(?:不是|应[该当]是|改[成为到]|换成|更正|是(?!不是|否))")
_OTHERWISE = re.compile(r"[撤催删]|取消|不报|你们|系统|[?？]$|吗$")
_UNDERSTOOD = ("sure", "close", "off_list")


class EditFiled(HouseAction):
    """修改 on a summary that was confirmed already: what was filed is put right."""

    action_name = "action_edit_filed"

    async def act(self, turn: Turn) -> Events:
        report = (await turn.get("/intake/filed"))["report"]
        if report is None or report["minutes"] > LATELY:
            turn.say("utter_report_gone")
            return []
        return await put_right(turn, report)


class HearsCorrections(HouseAction):
    """An answer to free words. Words that put the last report right are taken for that first."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        turn = Turn(self.house, tracker, dispatcher)
        report = None if turn.in_form else await meant(turn)
        return await (self.act(turn) if report is None else put_right(turn, report))


async def put_right(turn: Turn, report: dict[str, Any]) -> Events:
    """Open the report again, or add to it what can no longer be changed."""
    if not report["correctable"]:
        return await add_instead(turn, report)
    return [SlotSet("draft", draft_of(report)), FollowupAction("report_form")]


async def meant(turn: Turn) -> dict[str, Any] | None:
    """The report that the words put right, as the backend gives it; None when they mean something else."""
    text = turn.text
    slip = SLIP.match(text, 0, LOOKED_AT)
    if not text or _OTHERWISE.search(text) or not (slip or turn.edited or TAKEN_BACK.match(text, 0, LOOKED_AT)):
        return None
    number = number_in(turn)
    report = (await turn.get("/intake/filed", **({"number": number} if number else {})))["report"]
    if report is None:
        return None
    if slip and (number or NAMES_IT.search(slip[0])):
        return report
    if report["minutes"] > (LATELY if turn.edited else SOON):
        return None
    return report if slip or await tells(turn) else None


async def tells(turn: Turn) -> bool:
    """Whether the words name a place, or a matter of a known kind."""
    place, matters = await turn.read(turn.text)
    return bool(place) or any(matter["item"]["status"] in _UNDERSTOOD for matter in matters)


def draft_of(report: dict[str, Any]) -> dict[str, Any]:
    """The filed report as the report form's draft."""
    kept = {name: report[name] for name in ("matter", "bare", "parts", "place", "item", "anonymous")}
    return kept | {"corrects": report["number"], "place_hint": report["place"], "similar": [], "editing": True}


def correction_in(text: str) -> str:
    """The words without the confession: 刚才地址写错了，是5号楼 is 是5号楼. "" when there is nothing else."""
    slip = SLIP.match(text, 0, LOOKED_AT)
    return text[slip.end() if slip else 0 :].strip("，,。！! ")


async def add_instead(turn: Turn, report: dict[str, Any]) -> Events:
    """Too late to change what was filed: what is to be said is added to it."""
    number = report["number"]
    if not correction_in(turn.text):
        turn.say("utter_correction_too_late", number=number)
        return [SlotSet("supplement_number", number), FollowupAction("supplement_form")]
    await turn.post(f"/events/{number}/supplement", {"text": turn.text, "photos": []}, once=f"supplement {number}")
    turn.say("utter_correction_added", number=number)
    return []
