"""A consult's life: who sees it, who holds it, what the resident is told, and what nobody can do."""

import asyncio
import html

from sqlalchemy import select

from backend.legal import service
from backend.legal.models import ConsultState, Contact
from backend.staff import service as staff_service
from backend.staff.models import StaffNotice
from tests.backend.legal.desk import ARTICLE, ARTICLES, PEOPLE, WAGES, LegalDesk

DIVORCE = "我想离婚，孩子判给谁，财产怎么分"
VIOLENCE = "老公打我好多次了，我想申请人身安全保护令"
NAMED = f"您好，{ARTICLE}规定得很清楚，可以申请支付令。"
INVENTED = "根据《劳动合同法》第三百条，您可以要求双倍工资。"


async def test_a_question_is_answered_followed_up_ended_and_rated_under_one_number(desk: LegalDesk) -> None:
    number = await desk.asks()
    assert await desk.does("lawyer", number, "claim") == 303
    assert await desk.does("lawyer", number, "answers", text=NAMED) == 303
    status, card = await desk.resident("r1", "POST", f"/consults/{number}/followup", {"text": "支付令去哪里申请"})
    assert (status, card["state"]) == (200, "claimed")
    assert "支付令去哪里申请" in (await desk.page("lawyer", f"/legal/consults/{number}"))[1]
    assert await desk.does("lawyer", number, "answers", text="向当地基层人民法院申请。") == 303
    assert (await desk.resident("r1", "POST", f"/consults/{number}/end", {}))[1]["state"] == "ended"
    assert (await desk.resident("r1", "POST", f"/consults/{number}/rating", {"stars": 5}))[0] == 200
    heard = [message.text for message in await desk.heard()]
    assert [text[: text.index("】") + 1] for text in heard] == ["【律师已接】", "【律师答复】", "【律师答复】"]
    assert NAMED in heard[1]
    consult = await desk.consult(number)
    assert (consult.state, consult.stars) == (ConsultState.ENDED, 5)
    async with desk.database.read() as session:
        steps = [row.step for row, _ in await service.history_of(session, consult)]
    assert steps == ["filed", "claimed", "answered", "followed_up", "answered", "ended", "rated"]


async def test_the_answer_comes_with_buttons_that_carry_the_number(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    await desk.does("lawyer", number, "answers", text="可以申请劳动仲裁。")
    assert [button["payload"] for button in (await desk.heard())[-1].buttons] == [
        f'/followup_consult{{"number":"{number}"}}',
        f'/ask_mediation{{"number":"{number}"}}',
        f'/end_consult{{"number":"{number}"}}',
    ]


async def test_the_queue_is_by_area_and_for_approved_volunteers_only(desk: LegalDesk) -> None:
    wages, divorce = await desk.asks(), await desk.asks(DIVORCE)
    assert await desk.listed("lawyer") == {wages}
    assert await desk.listed("lawyer-2") == {wages, divorce}
    assert await desk.listed("newcomer") == set()
    assert await desk.listed("coordinator") == {wages, divorce}
    assert (await desk.page("newcomer", f"/legal/consults/{wages}"))[0] == 404
    assert await desk.does("newcomer", wages, "claim") == 404
    assert (await desk.page("street", "/legal"))[0] == 403


async def test_what_is_claimed_is_seen_by_its_volunteer_alone(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    assert await desk.listed("lawyer-2") == set()
    assert await desk.does("lawyer-2", number, "answers", text="我来答") == 404
    assert await desk.does("coordinator", number, "answers", text="我来答") == 409


async def test_of_two_who_claim_at_once_one_gets_it(desk: LegalDesk) -> None:
    number = await desk.asks()
    for who in ("lawyer", "lawyer-2"):
        await desk.town.token(who)
    results = await asyncio.gather(*(desk.does(who, number, "claim") for who in ("lawyer", "lawyer-2") * 3))
    holder = (await desk.consult(number)).volunteer_id
    assert results.count(303) == 3  # the same person's second click finds it theirs
    assert set(results) <= {303, 404, 409}
    assert holder is not None
    assert len([m for m in await desk.heard() if "律师已接" in m.text]) == 1


async def test_a_claim_that_is_not_answered_in_time_goes_back(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    desk.town.clock.advance(hours=11, minutes=59)
    assert await desk.clerk() == 0
    desk.town.clock.advance(minutes=1)
    assert await desk.clerk() == 1
    assert await desk.clerk() == 0
    assert (await desk.consult(number)).state is ConsultState.WAITING
    assert "换一位律师" in (await desk.heard())[-1].text
    assert number in await desk.listed("lawyer-2")


async def test_an_urgent_claim_goes_back_after_two_hours(desk: LegalDesk) -> None:
    number = await desk.asks(VIOLENCE)
    await desk.does("lawyer-2", number, "claim")
    desk.town.clock.advance(hours=2)
    assert await desk.clerk() == 1


async def test_a_follow_up_that_nobody_answers_goes_back_too(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    await desk.does("lawyer", number, "answers", text="可以申请劳动仲裁。")
    desk.town.clock.advance(days=3)
    await desk.resident("r1", "POST", f"/consults/{number}/followup", {"text": "仲裁要钱吗"})
    assert await desk.clerk() == 0
    desk.town.clock.advance(hours=12)
    assert await desk.clerk() == 1
    assert "可以申请劳动仲裁。" in (await desk.page("lawyer-2", f"/legal/consults/{number}"))[1]


async def test_an_answer_without_a_follow_up_ends_after_fourteen_days(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    await desk.does("lawyer", number, "answers", text="可以申请劳动仲裁。")
    desk.town.clock.advance(days=14)
    assert await desk.clerk() == 1
    assert (await desk.consult(number)).state is ConsultState.ENDED
    assert len((await desk.heard())[-1].buttons) == 5


async def test_whoever_refuses_for_a_conflict_of_interest_never_sees_it_again(desk: LegalDesk) -> None:
    number = await desk.asks()
    assert await desk.does("lawyer", number, "refusal", reason="") == 422
    assert await desk.does("lawyer", number, "claim") == 303
    assert await desk.does("lawyer", number, "refusal", reason="我是对方公司的法律顾问") == 303
    assert await desk.listed("lawyer") == set()
    for path in (f"/legal/consults/{number}",):
        assert (await desk.page("lawyer", path))[0] == 404
    assert await desk.does("lawyer", number, "claim") == 404
    assert await desk.does("lawyer-2", number, "claim") == 303
    assert await desk.does("lawyer-2", number, "return", note="太忙") == 303
    assert await desk.listed("lawyer") == set()
    async with desk.database.read() as session:
        told = list(await session.scalars(select(StaffNotice.text).where(StaffNotice.text.contains(number))))
    assert len([text for text in told if text.startswith("新咨询")]) == 4  # both, lawyer-2 after the refusal, lawyer-2 again


async def test_an_answer_that_names_an_unknown_article_is_marked_before_it_is_sent(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    before = len(await desk.heard())
    status, text = await desk.post("lawyer", f"/legal/consults/{number}/answers", text=INVENTED)
    assert status == 200
    assert "<mark>《劳动合同法》第三百条</mark>" in text
    assert INVENTED in html.unescape(text)  # nothing typed is lost
    assert len(await desk.heard()) == before
    # an assent to these marks does not cover other ones
    assert (await desk.post("lawyer", f"/legal/consults/{number}/answers", text=INVENTED, sure="《民法典》第九条"))[0] == 200
    assert (await desk.post("lawyer", f"/legal/consults/{number}/answers", text=INVENTED, sure="《劳动合同法》第三百条"))[
        0
    ] == 303
    assert INVENTED in (await desk.heard())[-1].text
    async with desk.database.read() as session:
        words = await service.words_of(session, await desk.consult(number))
    assert [word.unknown for word in words] == [["《劳动合同法》第三百条"]]


async def test_an_answer_with_an_article_of_the_library_goes_at_once_and_the_page_offers_the_nearest(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    page = html.unescape((await desk.page("lawyer", f"/legal/consults/{number}"))[1])
    assert f"《{ARTICLE}》：“{ARTICLES[ARTICLE]}”" in page
    assert await desk.does("lawyer", number, "answers", text=NAMED) == 303


async def test_the_same_question_ten_times_is_one_consult(desk: LegalDesk) -> None:
    numbers = {await desk.asks(question) for question in [WAGES] * 8 + [WAGES + "！！", WAGES.replace("，", " ") + "啊"]}
    assert len(numbers) == 1
    assert await desk.listed("coordinator") == numbers
    assert await desk.asks(WAGES, who="r2") not in numbers


async def test_the_same_message_twice_at_once_is_one_consult(desk: LegalDesk) -> None:
    await desk.key("r1")
    answers = await asyncio.gather(
        *(desk.resident("r1", "POST", "/consults", {"question": WAGES}, once="the message") for _ in range(4))
    )
    assert len({answer["number"] for _, answer in answers}) == 1


OTHERS = ["房东不退押金怎么办", "我被公司辞退了没有补偿", "借给朋友五万块不还", "车被追尾对方不赔", "超市卖过期奶要赔吗"]


async def test_a_resident_holds_at_most_five_open_ones(desk: LegalDesk) -> None:
    numbers = [await desk.asks(question) for question in OTHERS]
    status, answer = await desk.resident("r1", "POST", "/consults", {"question": DIVORCE})
    assert (status, answer["error"]["code"]) == (429, "too_many_consults")
    await desk.resident("r1", "POST", f"/consults/{numbers[0]}/end", {})
    await desk.asks(DIVORCE)
    await desk.asks(DIVORCE, who="r2")


async def test_name_and_phone_stay_hidden_until_the_resident_agrees_for_this_consult(desk: LegalDesk) -> None:
    question = "我叫王小明，电话10000000900，老板拖欠工资三个月共12000元，怎么要"
    number, other = await desk.asks(question), await desk.asks("公司辞退我没给补偿，联系我100 0000 0902")
    for n in (number, other):
        await desk.does("lawyer", n, "claim")
    path = f"/legal/consults/{number}"
    hidden = (await desk.page("lawyer", path))[1]
    assert ("王小明" in hidden, "10000000900" in hidden, "12000" in hidden) == (False, False, True)
    said = await desk.phone("r1", "10000000900")
    assert (await desk.resident("r1", "POST", f"/consults/{number}/contact", said))[0] == 409
    assert await desk.does("lawyer", number, "phone") == 409
    assert await desk.does("lawyer", number, "contact") == 303
    assert await desk.does("lawyer", number, "contact") == 409
    assert "愿意留电话吗" in (await desk.heard())[-1].text
    wrong = await desk.phone("r1", "12345")
    assert (await desk.resident("r1", "POST", f"/consults/{number}/contact", wrong))[0] == 422
    another = await desk.phone("r2", "10000000901")
    assert (await desk.resident("r1", "POST", f"/consults/{number}/contact", another))[0] == 422
    assert (await desk.consult(number)).contact is Contact.ASKED
    assert (await desk.resident("r1", "POST", f"/consults/{number}/contact", said))[0] == 200
    assert "王小明" in (await desk.page("lawyer", path))[1]
    status, shown = await desk.post("lawyer", f"{path}/phone")
    assert (status, "10000000900" in shown) == (200, True)
    assert "看了居民的电话 · 方律" in (await desk.page("coordinator", path))[1]
    assert "10000000900" not in (await desk.page("coordinator", path))[1]
    assert await desk.does("coordinator", number, "phone") == 409
    assert "王小明" not in (await desk.page("lawyer", f"/legal/consults/{other}"))[1]
    assert await desk.does("lawyer", other, "phone") == 409
    await desk.does("lawyer", number, "return", note="")
    await desk.does("lawyer-2", number, "claim")
    assert await desk.does("lawyer-2", number, "phone") == 409


async def test_a_resident_who_declines_is_answered_all_the_same(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    await desk.does("lawyer", number, "contact")
    assert (await desk.resident("r1", "POST", f"/consults/{number}/contact", {"agree": False}))[0] == 200
    assert "居民不愿意留电话" in (await desk.page("lawyer", f"/legal/consults/{number}"))[1]
    assert await desk.does("lawyer", number, "answers", text="可以申请劳动仲裁。") == 303


async def test_a_disabled_volunteer_is_out_at_once_and_what_they_held_is_free_again(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    async with desk.database.write() as session:
        await staff_service.disable(session, await staff_service.by_username(session, "lawyer"), now=desk.town.clock.now())
    status, where = await desk.post("lawyer", f"/legal/consults/{number}/answers", text="还能答吗")
    assert status in (303, 401)
    assert status == 401 or where.startswith("/sign-in")
    assert await desk.clerk() == 1
    assert number in await desk.listed("lawyer-2")
    page = (await desk.page("coordinator", f"/legal/consults/{number}"))[1]
    assert "接单 · 方律" in page  # what they did stays


async def test_a_profile_is_decided_by_a_coordinator_and_decided_anew_when_it_grows(desk: LegalDesk) -> None:
    number = await desk.asks(DIVORCE)
    profile = {"licence": "13200202010000001", "hours": "周末", "languages": "普通话、粤语", "area_family": "1"}
    assert (await desk.post("newcomer", "/legal/profile", **profile | {"licence": "abc"}))[0] == 422
    assert (await desk.post("newcomer", "/legal/profile", **{k: v for k, v in profile.items() if k != "area_family"}))[0] == 422
    assert (await desk.post("coordinator", "/legal/profile", **profile))[0] == 403
    assert (await desk.post("newcomer", "/legal/profile", **profile))[0] == 303
    assert await desk.listed("newcomer") == set()
    listed = (await desk.page("coordinator", "/legal/volunteers"))[1]
    assert "13200202010000001" in listed
    path = listed[listed.index("戚律") :].split('action="')[1].split('"')[0]
    assert (await desk.page("newcomer", "/legal/volunteers"))[0] == 403
    assert (await desk.post("newcomer", path, decision="approve"))[0] == 403
    assert (await desk.post("coordinator", path, decision="refuse"))[0] == 422
    assert (await desk.post("coordinator", path, decision="approve"))[0] == 303
    assert await desk.listed("newcomer") == {number}
    await desk.does("newcomer", number, "claim")
    assert (await desk.post("newcomer", "/legal/profile", **profile | {"area_labour": "1"}))[0] == 303
    assert await desk.listed("newcomer") == set()
    assert await desk.clerk() == 1  # and what they held is free for others
    assert number in await desk.listed("lawyer-2")


async def test_an_urgent_one_is_first_and_told_to_the_coordinator(desk: LegalDesk) -> None:
    await desk.asks(DIVORCE)
    number = await desk.asks(VIOLENCE)
    text = (await desk.page("lawyer-2", "/legal"))[1]
    assert text.index(number) == min(text.index(n) for n in await desk.listed("lawyer-2"))
    assert f"紧急咨询 {number}（家庭暴力）" in (await desk.page("coordinator", "/notices"))[1]


async def test_another_resident_s_number_does_not_exist(desk: LegalDesk) -> None:
    number = await desk.asks()
    for path, body in (("followup", {"text": "x" * 5}), ("end", {}), ("rating", {"stars": 1}), ("contact", {"agree": False})):
        assert (await desk.resident("r2", "POST", f"/consults/{number}/{path}", body))[0] == 404
    assert (await desk.consult(number)).state is ConsultState.WAITING


BAD = [
    ("", {"question": "啊"}, 422),
    ("", {}, 422),
    ("/rating", {"stars": 6}, 422),
    ("/rating", {"stars": 5}, 409),
    ("/followup", {"text": ""}, 422),
    ("/contact", {"agree": True, "message_id": 1}, 422),
]


async def test_bad_input_changes_nothing(desk: LegalDesk) -> None:
    number = await desk.asks()
    before = (await desk.consult(number)).revision
    for path, body, status in BAD:
        got, answer = await desk.resident("r1", "POST", f"/consults/{number}{path}" if path else "/consults", body)
        assert (path, got) == (path, status)
        assert answer["error"]["sentence"].endswith("。")
    assert (await desk.consult(number)).revision == before


async def test_after_the_end_nothing_more_is_said(desk: LegalDesk) -> None:
    number = await desk.asks()
    await desk.does("lawyer", number, "claim")
    await desk.resident("r1", "POST", f"/consults/{number}/end", {})
    assert await desk.does("lawyer", number, "answers", text="晚了一步") == 409
    assert (await desk.resident("r1", "POST", f"/consults/{number}/followup", {"text": "还有一个问题"}))[0] == 409
    assert (await desk.resident("r1", "POST", f"/consults/{number}/rating", {"stars": 5}))[0] == 409  # never answered


async def test_the_bot_shows_an_article_word_for_word_only_when_it_is_near(desk: LegalDesk) -> None:
    near = "用人单位拖欠劳动报酬，劳动者可以向人民法院申请支付令吗"
    _, found = await desk.resident("r1", "POST", "/consults/read", {"text": near})
    assert found["articles"] == [{"article": ARTICLE, "text": ARTICLES[ARTICLE]}]
    _, found = await desk.resident("r1", "POST", "/consults/read", {"text": "邻居的树挡了我家的光怎么办"})
    assert found["articles"] == []


async def test_a_volunteer_s_scope_holds_no_event_and_no_conversation(desk: LegalDesk) -> None:
    event = await desk.town.reported()
    for username in PEOPLE:
        token = await desk.town.token(username)
        _, answer = await desk.town.api("GET", "/api/v1/events", token=token)
        assert answer["total"] == 0
        assert (await desk.town.api("GET", f"/api/v1/events/{event}", token=token))[0] == 404
        assert (await desk.page(username, "/"))[1].count(event) == 0
