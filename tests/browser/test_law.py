"""The legal desk and mediation in a real browser, on a phone and on a desktop: a consult is claimed and answered, a sitting is
planned and agreed, and nothing is wider than the window."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from backend.clock import SystemClock
from backend.db import Database
from backend.staff.models import Staff
from tests.backend.legal.desk import legal_desk
from tests.backend.mediation.table import QUARREL, Table, laid
from tests.backend.staff.town import QUICK
from tests.browser.test_console import DESKTOP, PHONE, browser, fits, signed_in

__all__ = ["browser"]
pytestmark = pytest.mark.browser
PASSWORD = "k7mp-x2vd-h9qa"


@pytest.fixture
async def table(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Table]:
    database = Database(sqlite_url)
    async with legal_desk(database, SystemClock(), tmp_path) as desk:  # type: ignore[arg-type]
        async with database.write() as session:
            for staff in await session.scalars(select(Staff).where(Staff.password_hash == "")):
                staff.password_hash = QUICK.hash(PASSWORD)
        yield await laid(desk)
    await database.close()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_consult_is_claimed_and_answered(browser: Browser, table: Table, size: dict[str, int]) -> None:
    number = await table.desk.asks()
    async with signed_in(browser, table.desk.town, "lawyer", size) as page:
        await page.goto(str(table.desk.town.client.make_url("/legal")))
        await expect(page.get_by_role("heading", name="等律师接 1")).to_be_visible()
        assert await fits(page)
        await page.locator(f"a[href='/legal/consults/{number}']").click()
        await page.get_by_role("button", name="接单").click()
        answer = page.get_by_label("答复", exact=True)
        await answer.fill("依据《中华人民共和国劳动合同法》第九百条，可以投诉。")
        await page.get_by_role("button", name="发给居民", exact=True).click()
        await expect(page.locator("mark")).to_be_visible()
        await expect(answer).to_have_value("依据《中华人民共和国劳动合同法》第九百条，可以投诉。")
        await answer.fill("先去劳动监察大队投诉。")
        await page.get_by_text("中华人民共和国劳动合同法第三十条", exact=True).click()
        await page.get_by_role("button", name="放进答复").first.click()
        await page.get_by_role("button", name="发给居民").click()
        await expect(page.locator("#facts").get_by_text("律师答复")).to_be_visible()
        assert await fits(page)
    told = (await table.heard())[-1]
    assert ("先去劳动监察大队投诉。" in told, "向劳动者及时足额支付劳动报酬" in told) == (True, True)


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_a_mediation_is_planned_and_seen_live(browser: Browser, table: Table, size: dict[str, int]) -> None:
    number = (await table.asks())["number"]
    async with signed_in(browser, table.desk.town, "community", size) as page:
        if size is PHONE:
            await page.get_by_text("更多", exact=True).click()
        await page.get_by_role("link", name="调解", exact=True).click()
        await expect(page.get_by_role("heading", name="这里办 1")).to_be_visible()
        assert await fits(page)
        await page.get_by_role("link", name=f"邻里纠纷：{QUARREL}").click()
        await page.get_by_label("请谁来调解").select_option(label="钱桂兰（百姓说事员，宫涵社区）")
        await page.get_by_role("button", name="定下来").click()
        day = (datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=2)).date()
        await page.get_by_label("日期").fill(day.isoformat())
        await page.get_by_label("开始").fill("15:00")
        await page.get_by_role("button", name="约好，通知双方").click()
        await expect(page.locator("#facts").get_by_text("约好了")).to_be_visible()
        assert await fits(page)
        await table.joined(number)  # the other party comes in while the page is open
        await expect(page.locator("#facts").get_by_text("同意调解，在线上")).to_have_count(2)
        await page.get_by_text("改时间或地点").click()
        await page.get_by_label("开始").fill("16:30")
        await page.get_by_label("原因").first.fill("调解员要开会")
        await page.get_by_role("button", name="改好，通知双方").click()
        await expect(page.locator("#trail").get_by_text("改时间", exact=True)).to_be_visible()
        held = {"side": "respondent", "phone": "10000000904"}
        assert (await table.staff("community", "POST", f"/{number}/phone", held))[0] == 200
        await page.locator("#facts").get_by_text("看完整号码").click()
        await page.get_by_label("为什么要看").fill("通知他改了时间")
        await page.get_by_role("button", name="看号码").click()
        await expect(page.locator("#facts").get_by_text("10000000904")).to_be_visible()
        await page.wait_for_timeout(500)  # the page is told of the look itself, and the number stays
        await expect(page.locator("#facts").get_by_text("10000000904")).to_be_visible()
        assert await fits(page)
    assert "【调解改期】" in (await table.heard())[-1]
