"""The legal desk for programs: queue, claim, answer, return, refusal, legal aid; all checked against the document."""

from typing import Any

from tests.backend.legal.desk import ARTICLE, LegalDesk

ANSWER = "可以先去劳动监察大队投诉，带上转账记录。"


async def calls(desk: LegalDesk, username: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    return await desk.town.api(method, f"/api/v1/{path}", token=await desk.town.token(username), json=body)


async def test_a_consult_is_claimed_answered_and_given_back_over_the_api(desk: LegalDesk) -> None:
    number = await desk.asks("老板拖欠我三个月工资，我住3号楼501室，电话10000000777，该怎么要回来")
    _, queue = await calls(desk, "lawyer", "GET", "consults")
    assert [(one["number"], one["mine"], "10000000777" in one["question"]) for one in queue["consults"]] == [
        (number, False, False)
    ]
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/answers", {"text": ANSWER}))[0] == 409
    status, page = await calls(desk, "lawyer", "POST", f"consults/{number}/claim")
    assert (status, page["state"], page["mine"], page["articles"][0]["article"]) == (200, "claimed", True, ARTICLE)
    assert (await calls(desk, "lawyer-2", "POST", f"consults/{number}/claim"))[0] == 404
    wrong = {"text": "依据《中华人民共和国劳动合同法》第九百条，可以投诉。"}
    status, refused = await calls(desk, "lawyer", "POST", f"consults/{number}/answers", wrong)
    assert (status, refused["error"]["code"]) == (409, "unknown_articles")
    marks = refused["error"]["details"]["articles"]
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/answers", wrong | {"sure": ["别的"]}))[0] == 409
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/answers", wrong | {"sure": marks}))[0] == 200
    status, page = await calls(desk, "lawyer", "POST", f"consults/{number}/answers", {"text": ANSWER})
    assert (status, [word["unknown"] for word in page["words"]]) == (200, [marks, []])
    assert ANSWER in (await desk.heard())[-1].text
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/contact"))[1]["contact"] == "asked"
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/return", {"note": "出差"}))[0] == 204
    assert (await calls(desk, "coordinator", "GET", f"consults/{number}"))[1]["history"][-1]["note"] == "出差"
    assert (await calls(desk, "lawyer", "POST", f"consults/{number}/refusal", {"reason": "我代理对方"}))[0] == 204
    assert (await calls(desk, "lawyer", "GET", f"consults/{number}"))[0] == 404
    assert (await calls(desk, "lawyer-2", "POST", f"consults/{number}/claim"))[0] == 200


async def test_legal_aid_is_decided_over_the_api_by_coordinators_only(desk: LegalDesk) -> None:
    number = await desk.asks()
    body = {"group": "wages", "missing": ["id"], "declared": True}
    assert (await desk.resident("r1", "POST", f"/consults/{number}/legal-aid", body))[0] == 201
    _, found = await calls(desk, "coordinator", "GET", "legal-aid")
    assert [(one["number"], one["missing"], one["state"]) for one in found["applications"]] == [(number, ["id"], "applied")]
    grant = {"grant": True, "reason": "符合条件"}
    assert (await calls(desk, "coordinator", "POST", f"legal-aid/{number}/decision", grant))[0] == 409
    assert (await calls(desk, "coordinator", "POST", f"legal-aid/{number}/papers", {"paper": "passport"}))[0] == 422
    assert (await calls(desk, "coordinator", "POST", f"legal-aid/{number}/papers", {"paper": "id"}))[1]["missing"] == []
    for who in ("lawyer", "community", "admin"):
        assert (await calls(desk, who, "GET", "legal-aid"))[0] == 403
        assert (await calls(desk, who, "POST", f"legal-aid/{number}/decision", grant))[0] == 403
    for who in ("community", "admin", "street"):
        assert (await calls(desk, who, "GET", "consults"))[0] == 403
    assert (await calls(desk, "coordinator", "POST", f"legal-aid/{number}/decision", grant))[1]["state"] == "granted"
    assert "同意给您援助" in (await desk.heard())[-1].text
