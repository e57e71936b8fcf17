"""Staff link their own Telegram on a page: the code stands there once, and what it did is seen."""

import re

from backend.staff_chat import linking
from tests.backend.staff.town import Town


async def test_a_code_is_shown_once_used_once_and_the_link_can_be_ended(town: Town) -> None:
    async def seen(method: str, path: str) -> str:
        form = {"csrf": "csrf-of-community"} if method == "POST" else None
        async with town.client.request(method, path, data=form) as answer:
            assert answer.status == 200
            return await answer.text()

    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("community")})
    assert "还没有绑定" in await seen("GET", "/telegram")
    code = re.search(r"/staff ([A-Z0-9]{4}-[A-Z0-9]{4})<", await seen("POST", "/telegram/code"))
    assert code is not None
    assert code[1] not in await seen("GET", "/telegram")
    async with town.database.write() as session:
        chat, staff, before = await linking.link(
            session, channel="telegram", address="4711", code=code[1], now=town.clock.now()
        )
    assert (chat.working, staff.username, before) == (True, "community", None)
    assert "现在是工作身份" in await seen("GET", "/telegram")
    assert "还没有绑定" in await seen("POST", "/telegram/unlink")
    town.client.session.cookie_jar.update_cookies({"linlitong_staff": await town.token("water")})
    async with town.client.get("/telegram") as answer:
        assert answer.status == 404
