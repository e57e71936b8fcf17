"""公开: what was decided, voted and answered, listed, looked for by words, and subscribed to."""

import re
from typing import Any

from actions.backend_client import Refused
from actions.turn import HouseAction, Turn, button

Events = list[dict[str, Any]]
SHOWN = 5
# What is said around what is looked for: "帮我查一下最近停车的决定" looks for 停车.
AROUND = re.compile(
    r"我?(想|要)?(看看|看一下|看|查查|查一下|查一查|查|搜一下|搜索|搜|找一下|找|问问|问一下|了解一?下?)|帮我|给我|麻烦|请问|"
    r"(信息|社区|村务|居务|政务|小区|街道|我们|咱们|俺们)?(公开栏|公开|公示)|最近|这阵子|上次|这次|有没有|有(什么|哪些|啥)|都?有?(哪些|什么|啥)|"
    r"在?(哪里?|哪儿)|怎么|决定|决议|结果|内容|情况|定了|作了|做了|讨论|开会|商量|过的?|了|的|吗|呢|么|呀|啊|吧|关于|一下|社区|村里|小区里?|我们|事情?|消息"
)
SUBSCRIBE = re.compile("订阅|关注")
# Questions about what was decided, which the classifier has no intent for.
ABOUT = re.compile(
    r"公开(栏|了(什么|哪些|啥)|的?(内容|信息|消息)|过)|(最近|这阵子|上次|上个?月|今年|前阵子|这次).{0,10}(决定|决议|议定|公开|商量)|"
    r"(有|做|作)了?(什么|哪些|啥)(新的?)?(决定|决议)|(决定|决议)(在哪|哪里|怎么)(能|可以)?(看|查)|(看看|查查|看一下|查一下).{0,10}(决定|决议|公开)"
)


def words_in(text: str) -> str:
    """What is looked for in a text; "" when it only asks what there is."""
    return " ".join(re.sub(r"[\W_]+", " ", AROUND.sub(" ", text)).split())


async def is_about(turn: Turn) -> bool:
    """Answer a message that asks what was decided; False when it does not."""
    if not ABOUT.search(turn.text):
        return False
    await Browse(turn.house).act(turn)
    return True


class Browse(HouseAction):
    """The latest around the resident; with words, what holds them."""

    action_name = "action_browse_disclosure"

    async def act(self, turn: Turn) -> Events:
        if SUBSCRIBE.search(turn.text):
            return await Follow(self.house).act(turn)
        page = int(turn.entity("page") or 0)
        words, page = "" if page else words_in(turn.text), page or 1
        query = {"q": words, "area": "", "page": str(page), "size": str(SHOWN)}
        try:
            found = await (turn.house.backend.get("/disclosure", **query) if words else turn.get("/disclosure", **query))
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        names, entries = turn.house.names, found["entries"]
        area = found["area"] or names("everywhere")
        follow = {"title": names("disclosure_follow"), "payload": "/follow_disclosure", "says": "我要订阅 订阅一下"}
        if not entries:
            if words:
                turn.say("utter_disclosure_not_found", words=words)
            else:
                turn.say("utter_disclosure_none", area=area, extra_buttons=[follow])
            return []
        lines = "\n".join(
            names(
                "disclosure_line",
                place=place,
                kind=one["kind_name"],
                title=one["title"],
                area=one["area"],
                day=one["day"],
            )
            for place, one in enumerate(entries, 1)
        )
        buttons = [
            button(names("disclosure_open", place=place), "open_disclosure", entry=one["entry"])
            | {"says": f"第{place}条 {place}"}
            for place, one in enumerate(entries, 1)
        ]
        if words:
            turn.say("utter_disclosure_found", words=words, lines=lines, extra_buttons=buttons)
            return []
        if found["more"]:
            buttons.append(button(names("disclosure_more"), "browse_disclosure", page=page + 1))
        turn.say("utter_disclosure_list", area=area, lines=lines, extra_buttons=[*buttons, follow])
        return []


class Open(HouseAction):
    action_name = "action_open_disclosure"

    async def act(self, turn: Turn) -> Events:
        try:
            one = (await turn.get(f"/disclosure/{int(turn.entity('entry') or 0)}"))["entry"]
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say(
            "utter_disclosure_entry",
            kind=one["kind_name"],
            title=one["title"],
            text=one["text"],
            area=one["area"],
            day=one["day"],
        )
        return []


class Follow(HouseAction):
    """Subscribe to a topic in an area: both are chosen by buttons, or named in the words."""

    action_name = "action_follow_disclosure"

    async def act(self, turn: Turn) -> Events:
        wishes = await turn.get("/disclosure/wishes")
        names = turn.house.names
        topic, area = turn.entity("topic"), turn.entity("area")
        if turn.text and not topic:
            place, _ = await turn.read(turn.text)
            area = (place or {}).get("area_code")
            rest = words_in(SUBSCRIBE.sub("", turn.text))
            topic = next(
                (one["code"] for one in wishes["topics"] if rest and (rest in one["name"] or one["name"] in rest)), None
            )
            topic = topic or ("all" if area else None)
        if not topic:
            topics = [button(names("disclosure_all"), "follow_disclosure", topic="all")]
            topics += [button(one["name"], "follow_disclosure", topic=one["code"]) for one in wishes["topics"]]
            turn.say("utter_ask_disclosure_topic", extra_buttons=topics)
            return []
        if not area and len(wishes["areas"]) > 1:
            buttons = [button(a["name"], "follow_disclosure", topic=topic, area=a["level"]) for a in wishes["areas"]]
            turn.say("utter_ask_disclosure_area", extra_buttons=buttons)
            return []
        body = {"topic": "" if topic == "all" else topic, "area": area or wishes["areas"][0]["level"]}
        try:
            done = await turn.post("/disclosure/wishes", body, once="follow")
        except Refused as refused:
            turn.say("utter_not_possible", reason=refused.sentence)
            return []
        turn.say("utter_disclosure_subscribed", area=done["area"], topic=done["topic"] or names("disclosure_all"))
        return []
