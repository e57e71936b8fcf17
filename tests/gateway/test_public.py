"""The page 公开 over real HTTP, without a cookie: a decided vote is listed, found, downloaded and recounted."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend.catalogue.models import HandlerKind
from backend.clock import FakeClock, SystemClock
from backend.disclosure import clerk
from backend.house import desk_factory
from backend.opinions.models import OpinionTopic
from backend.settings import Settings
from backend.vault.service import Vault
from backend.votes.booth import booth_factory
from backend.votes.door import Door
from scripts import recount
from tests.backend.votes.hall import Hall
from tests.gateway.running import TOKEN, Town
from tests.support import small_city
from wording import Sentences


async def decided(running: Town, home: Path) -> tuple[str, str]:
    """A vote of three households, decided and listed: its number and a receipt."""
    clock, sentences = FakeClock(SystemClock().now()), Sentences.load(Path("domain.yml"))
    settings = Settings(home=home, service_token=TOKEN)
    async with running.database.write() as session:
        city = await small_city.build(session)
        for code, name in (("property", "小区物业"), ("other", "其他建议")):
            handler = HandlerKind.COMMUNITY
            keywords = "电梯" if code == "property" else ""
            session.add(
                OpinionTopic(code=code, name=name, keywords=keywords, handler=handler, department_code="housing", due_days=5)
            )
    booth_of = booth_factory(settings, clock, sentences)
    hall = Hall(running.database, clock, city, booth_of, home, Door(booth_of, Vault({"a": b"1" * 32}, b"2" * 32)))
    number = await hall.vote(3)
    for place, choice in ((1, "yes"), (2, "yes")):
        await hall.casts(await hall.matched(number, f"3-{place}"), number, f"3-{place}", choice)
    receipt = await hall.receipt(number, "3-1")
    await hall.ends(number)
    await hall.opens(number)
    await clerk.run_once(running.database, desk_factory(settings, clock, sentences), booth_of)
    assert receipt
    return number, receipt


async def test_a_decided_vote_is_found_downloaded_and_recounted_by_anyone(
    running: Town, http: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def page(path: str) -> tuple[int, str]:
        async with http.get(running.url + path) as answer:
            return answer.status, await answer.text()

    status, empty = await page("/public")
    assert (status, "还没有公开的决定和答复" in empty) == (200, True)
    number, receipt = await decided(running, tmp_path)

    async def search(**words: str) -> tuple[int, str]:
        async with http.post(running.url + "/public", data=words) as answer:
            assert "?" not in str(answer.url)
            return answer.status, await answer.text()

    status, listed = await search(q="加装电梯")
    assert (status, "三号楼加装电梯：通过" in listed, "投票结果" in listed) == (200, True, True)
    assert "三号楼加装电梯" in (await page("/public?topic=property"))[1]
    assert "没有查到，换个词试试" in (await search(q="跳伞", topic="other"))[1]
    assert (await search(q="！？"))[0] == 422
    _, masked = await search(q="电梯 13800000000")
    assert 'value="电梯 138****0000"' in masked
    assert "13800000000" not in masked
    assert "三号楼加装电梯" in (await page("/public?q=跳伞"))[1]  # nothing is looked for by an address
    assert (await page("/public?area=%3Cscript%3E"))[0] == 404
    entry = listed.split('href="/public/')[1].split('"')[0]
    status, one = await page(f"/public/{entry}")
    assert (status, number in one, "3 份投票权，2 份参加" in one) == (200, True, True)
    assert f'href="/api/votes/{number}"' in one
    assert (await page("/public/999999"))[0] == 404

    async with http.get(f"{running.url}/api/votes/{number}") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{number}.json"'
        file = tmp_path / "downloaded.json"
        file.write_bytes(await answer.read())
    assert recount.main([str(file), "--receipt", receipt]) == 0
    assert "核对无误" in capsys.readouterr().out
    changed = json.loads(file.read_text())
    changed["ballots"].pop()
    file.write_text(json.dumps(changed))
    assert recount.main([str(file)]) == 1
