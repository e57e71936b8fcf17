"""The console's pages for votes, from the draft to the published file."""

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aiohttp import FormData
from sqlalchemy import select

from backend.console.pages import COOKIE
from backend.house import BOOTH
from backend.votes import clerk, matching
from backend.votes.models import Vote, VoteLog, VoteState
from scripts import recount
from tests.backend.staff.town import Town, photo

DRAFT = {
    "title": "三号楼加装电梯",
    "question": "是否同意三号楼一单元加装电梯？",
    "area": "GH",
    "kind": "decision",
    "basis": "household",
    "rule": "residents",
    "starts_at": "2026-11-24T10:00",
    "ends_at": "2026-12-01T18:00",
    "keyholders": "王秀兰、李建国",
    "keys_needed": "2",
}
LIST = "unit,name,part,area_m2,owner,phone\n3-101,张,,,,\n3-102,李,,,,\n3-103,王,,,,\n"


class Desk:
    """Somebody at the console."""

    def __init__(self, town: Town, username: str, token: str) -> None:
        self.town, self.username, self.cookies = town, username, {"Cookie": f"{COOKIE}={token}"}

    @classmethod
    async def of(cls, town: Town, username: str = "community") -> "Desk":
        return cls(town, username, await town.token(username))

    async def get(self, path: str) -> tuple[int, str]:
        async with self.town.client.get(path, headers=self.cookies) as response:
            return response.status, await response.text()

    async def post(self, path: str, file: str = "", encoding: str = "utf-8", **fields: str) -> tuple[int, str, str]:
        """(status, body, where to look next)"""
        form: Any = {"csrf": f"csrf-of-{self.username}"} | fields
        if file:
            data = FormData(form)
            data.add_field("csv", file.encode(encoding), filename="list.csv", content_type="text/csv")
            form = data
        async with self.town.client.post(path, data=form, headers=self.cookies, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers.get("Location", "")

    async def announced(self, **more: str) -> tuple[str, list[str]]:
        """A vote with its electorate and keys, announced: its address and the phrases."""
        _, _, where = await self.post("/votes", **DRAFT | more)
        assert (await self.post(f"{where}/electorate", file=LIST))[0] == 303
        holders = re.findall(r'name="holder" value="(\d+)"', (await self.get(where))[1])
        phrases = [
            re.search(r"<strong>((?:\w{4}-){5}\w{4})</strong>", (await self.post(f"{where}/keys", holder=holder))[1])
            for holder in holders
        ]
        assert (await self.post(f"{where}/announce"))[0] == 303
        return where, [phrase[1] for phrase in phrases if phrase]


async def stored(town: Town, where: str) -> Vote:
    async with town.database.read() as session:
        return (await session.scalars(select(Vote).where(Vote.number == where.rpartition("/")[2]))).one()


async def work(town: Town) -> None:
    booth_of: Callable[[], Any] = town.client.app[BOOTH]  # type: ignore[union-attr]
    while await clerk.run_once(town.database, booth_of):
        pass


async def test_a_vote_is_made_announced_voted_in_on_paper_opened_and_published(town: Town) -> None:
    desk = await Desk.of(town)
    where, phrases = await desk.announced()
    assert len(phrases) == 2
    status, slips, _ = await desk.post(f"{where}/codes")
    rows = list(csv.reader(io.StringIO(slips.removeprefix("\ufeff"))))
    assert (status, [row[:2] for row in rows[1:]]) == (200, [["3-101", "张"], ["3-102", "李"], ["3-103", "王"]])
    assert all(len(row[2]) == 10 for row in rows[1:])
    for unit, choice in (("3-101", "yes"), ("3-102", "yes")):
        assert (await desk.post(f"{where}/paper", unit=unit, choice=choice))[0] == 303
    page = (await desk.get(where))[1]
    assert "<strong>2</strong> / 3" in page
    assert "已够法定数" in page
    assert 'id="result"' not in page
    town.clock.advance(days=8)
    desk = await Desk.of(town)
    await work(town)
    assert (await desk.post(f"{where}/open", phrase1=phrases[0], phrase2=phrases[0]))[0] == 422
    assert (await desk.post(f"{where}/open", phrase1=phrases[1].lower(), phrase2=phrases[0]))[0] == 303
    page = (await desk.get(where))[1]
    assert "<strong>通过</strong>。同意 2 票，反对 0 票，弃权 0 票。" in page
    async with town.client.get(f"{where}/published", headers=desk.cookies) as response:
        bundle = await response.json()
    assert recount.problems(bundle, (await stored(town, where)).seal) == []


async def test_a_vote_s_whole_life_by_the_api(town: Town) -> None:
    api, now = town.api, town.clock.now()
    token = await town.token("community")
    body = {
        "title": "加装电梯",
        "question": "是否同意加装电梯？",
        "kind": "decision",
        "rule": "consultation",
        "basis": "household",
    }
    body |= {"area_code": "GH", "keyholders": ["王秀兰"], "keys_needed": 1, "starts_at": now.isoformat()}
    body |= {"ends_at": (now + timedelta(days=2)).isoformat()}
    assert (await api("POST", "/api/v1/votes", token=await town.token("far-community"), json=body))[0] == 403
    assert (await api("POST", "/api/v1/votes", token=token, json=body | {"ends_at": now.isoformat()}))[0] == 422
    status, vote = await api("POST", "/api/v1/votes", token=token, json=body)
    assert (status, vote["state"], vote["turnout"]["of_number"]) == (201, "draft", 0)
    where = f"/api/v1/votes/{vote['number']}"
    assert (await api("GET", where, token=await town.token("far-community")))[0] == 404
    status, refused = await api("POST", f"{where}/electorate", token=token, json={"csv": LIST + "3-101,张,,,,\n"})
    assert (status, "第5行" in refused["error"]["sentence"]) == (422, True)
    status, vote = await api("POST", f"{where}/electorate", token=token, json={"csv": LIST})
    assert (status, vote["turnout"]["of_number"]) == (200, 3)
    assert (await api("POST", f"{where}/announcement", token=token, json={}))[0] == 409
    holder = {"holder_id": vote["keyholders"][0]["holder_id"]}
    status, key = await api("POST", f"{where}/keys", token=token, json=holder)
    assert (status, key["name"]) == (201, "王秀兰")
    status, vote = await api("POST", f"{where}/announcement", token=token, json={})
    assert (status, vote["state"], len(vote["fingerprint"])) == (200, "open", 64)
    status, slips = await api("POST", f"{where}/codes", token=token)
    assert (status, [slip["unit"] for slip in slips["slips"]]) == (201, ["3-101", "3-102", "3-103"])
    matched = {"unit": "3-103", "conversation_id": await town.waits()}
    assert (await api("POST", f"{where}/matches", token=token, json=matched))[0] == 200
    assert (await api("POST", f"{where}/matches/end", token=token, json={"unit": "3-103"}))[0] == 200
    status, vote = await api("POST", f"{where}/paper", token=token, json={"unit": "3-101", "choice": ["yes"]})
    assert (status, vote["turnout"]["number"], vote["result"]) == (200, 1, {})
    assert (await api("POST", f"{where}/paper", token=token, json={"unit": "3-102", "choice": ["maybe"]}))[0] == 422
    town.clock.advance(days=3)
    token = await town.token("community")
    await work(town)
    assert (await api("POST", f"{where}/opening", token=token, json={"phrases": ["ABCD"]}))[0] == 422
    status, vote = await api("POST", f"{where}/opening", token=token, json={"phrases": [key["phrase"]]})
    assert (status, vote["result"]["outcome"], vote["result"]["counts"]["yes"]["number"]) == (200, "noted", 1)
    _, there = await api("GET", f"{where}/attendance", token=token)
    assert [unit["took_part"] for unit in there["units"]] == [True, False, False]
    status, bundle = await api("GET", f"{where}/published", token=token)
    assert recount.problems(bundle, vote["seal"]) == []
    assert (await api("POST", f"{where}/cancellation", token=token, json={"reason": "算了"}))[0] == 409


async def test_a_phrase_is_shown_once(town: Town) -> None:
    desk = await Desk.of(town)
    where, phrases = await desk.announced()
    page = (await desk.get(where))[1]
    assert all(phrase not in page for phrase in phrases)


async def test_what_is_changed_after_the_announcement_is_refused_and_recorded(town: Town) -> None:
    desk = await Desk.of(town)
    where, _ = await desk.announced()
    status, said, _ = await desk.post(f"{where}/electorate", file=LIST.replace("3-103", "3-104"))
    assert status == 409
    assert "不能再改" in said
    async with town.database.read() as session:
        rows = (await session.scalars(select(VoteLog).where(VoteLog.refused))).all()
    assert [(row.what, row.details) for row in rows] == [("electorate", {"code": "vote_frozen"})]
    assert "导入名单（没有准许）" in (await desk.get(where))[1]


async def test_a_wrong_list_is_refused_line_by_line_and_nothing_of_it_is_kept(town: Town) -> None:
    desk = await Desk.of(town)
    _, _, where = await desk.post("/votes", **DRAFT)
    status, said, _ = await desk.post(f"{where}/electorate", file=LIST + "3-101,张,,,,\n")
    assert status == 422
    assert "第5行unit：与第2行重复" in said
    assert (await stored(town, where)).electorate_number == 0


async def test_a_list_as_an_office_program_saves_it_is_not_read_as_question_marks(town: Town) -> None:
    desk = await Desk.of(town)
    _, _, where = await desk.post("/votes", **DRAFT)
    status, said, _ = await desk.post(f"{where}/electorate", file=LIST, encoding="gbk")
    assert (status, "不是UTF-8编码" in said) == (422, True)
    assert (await stored(town, where)).electorate_number == 0


async def test_wrong_drafts_are_refused(town: Town) -> None:
    desk = await Desk.of(town)
    for wrong, sentence in (
        ({"ends_at": "2026-11-23T10:00"}, "结束时间要晚于开始时间"),
        ({"ends_at": ""}, "请填写结束时间"),
        ({"kind": "one", "options": "好\n<i>坏</i>"}, "选项里不能有"),
        ({"rule": "owners"}, "不能按这种投票单位"),
        ({"area": "JP"}, "不能在这个区域"),
        ({"kind": "x"}, "请选择投票方式"),
    ):
        status, said, _ = await desk.post("/votes", **DRAFT | wrong)
        assert status in (403, 422), wrong
        assert sentence in said
    async with town.database.read() as session:
        assert (await session.scalars(select(Vote))).all() == []


async def test_votes_of_others_do_not_exist_and_grid_members_have_none(town: Town) -> None:
    where, _ = await (await Desk.of(town)).announced()
    far = await Desk.of(town, "far-community")
    assert (await far.get(where))[0] == 404
    assert (await far.post(f"{where}/cancel", reason="x"))[0] == 404
    assert where not in (await far.get("/votes"))[1]
    assert (await (await Desk.of(town, "grid")).get("/votes"))[0] == 403
    assert (await (await Desk.of(town, "street")).get(where))[0] == 200
    assert (await stored(town, where)).state is VoteState.OPEN


async def test_staff_match_a_resident_whom_they_have_checked(town: Town) -> None:
    desk = await Desk.of(town)
    where, _ = await desk.announced()
    conversation_id = await town.waits()
    assert (await desk.post(f"{where}/matches", unit="3-101", conversation=str(conversation_id)))[0] == 303
    assert (await desk.post(f"{where}/matches", unit="9-999", conversation=str(conversation_id)))[0] == 404
    assert (await desk.post(f"{where}/matches", unit="3-102", conversation="999999"))[0] == 404
    assert (await desk.post(f"{where}/matches", unit="3-101", end="1"))[0] == 303
    async with town.database.read() as session:
        rows = (await session.scalars(select(matching.VoteMatch))).all()
    assert [(row.unit_code, row.ended_at is not None) for row in rows] == [("3-101", True)]


async def test_a_vote_s_attachments_are_seen_by_its_staff_and_by_nobody_else(town: Town) -> None:
    desk, far = await Desk.of(town), await Desk.of(town, "far-community")
    form = FormData({"csrf": "csrf-of-community"} | DRAFT)
    form.add_field("photos", photo(), filename="plan.jpg", content_type="image/jpeg")
    async with town.client.post("/votes", data=form, headers=desk.cookies, allow_redirects=False) as response:
        where = response.headers["Location"]
    (key,) = (await stored(town, where)).attachments
    assert f'src="{where}/attachments/{key}"' in (await desk.get(where))[1]
    for who, path, status in ((desk, key, 200), (desk, "another", 404), (far, key, 404)):
        async with town.client.get(f"{where}/attachments/{path}", headers=who.cookies) as response:
            assert response.status == status
            if status == 200:
                assert response.content_type == "image/jpeg"
