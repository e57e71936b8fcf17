"""我的补贴 on a phone: from the first words to the number, a photo in between, taking it back, and 公示 with an objection."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page
from sqlalchemy import select

from backend.subsidies import service
from backend.subsidies.catalogue import read
from backend.subsidies.models import ApplicationState, SubsidyApplication, SubsidyDocument, SubsidyObjection
from linlitong.home import ROOT
from tests.browser.conftest import Visitor
from tests.gateway.running import Town
from tests.support import small_city
from tests.support.marked import card, identity

pytestmark = pytest.mark.browser


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (320, 240), "grey").save(out, "JPEG")
    return out.getvalue()


async def say(page: Page, words: str) -> str:
    """Write and send; returns the page's words then."""
    await page.fill("textarea", words)
    await page.click("text=下一步")
    return await page.inner_text("main")


async def press(page: Page, title: str) -> str:
    await page.click(f"button:text-is('{title}')")
    return await page.inner_text("main")


async def sees(page: Page, content: bytes, name: str = "a.jpg") -> str:
    await page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/jpeg", "buffer": content})
    await page.click("text=下一步")
    return await page.inner_text("main")


async def test_applied_for_on_the_phone_taken_back_and_objected_to(running: Town, resident: Visitor, tmp_path: Path) -> None:
    catalogue, problems = read(ROOT / "demo" / "subsidies")
    assert catalogue is not None, problems
    async with running.database.write() as session:
        await small_city.build(session)
        await service.put_in_force(session, catalogue, now=datetime.now(UTC))
    page = resident.page
    await page.goto(f"{running.url}/subsidies")
    assert "您还没有申请过补贴" in await page.inner_text("main")
    await page.click("text=看看能领什么")
    assert "您可以领" in await say(page, "我今年82，本市户口，高龄津贴怎么领")
    await page.screenshot(path=tmp_path / "talk.png")
    assert "您看对不对" in await press(page, "申请高龄津贴")
    assert "姓名是" in await press(page, "对，往下办")
    assert "身份证号是多少" in await say(page, "王小美")
    number = next(one for one in map(identity, range(1, 99)) if one[6:10] == "1944")
    assert "应该是 18 位" in await say(page, number[:17])
    assert "银行卡" in await say(page, number)
    await page.reload()  # the browser sends the same form again: nothing is asked twice
    assert "银行卡" in await page.inner_text("main")
    assert "哪个社区" in await say(page, card(7))
    assert "拍一张照片" in await say(page, "宫涵社区")
    assert "不是能打开的照片" in await sees(page, b"no picture")
    assert "户口簿" in await sees(page, photo())
    assert "同意" in await press(page, "14 天内再补" if await page.query_selector("text=14 天内再补") else "15 天内再补")
    summary = await press(page, "同意留着")
    assert number not in summary
    assert f"{number[:4]}**********{number[-4:]}" in summary
    assert "提交好了，高龄津贴，编号 B" in await press(page, "提交")
    await page.screenshot(path=tmp_path / "submitted.png")
    await page.click("text=看我的补贴")
    await page.click("a.card")
    shown = await page.inner_text("main")
    assert "提交申请" in shown
    assert "还没交" in shown
    await page.screenshot(path=tmp_path / "one.png", full_page=True)
    async with running.database.read() as session:
        filed = (await session.scalars(select(SubsidyApplication))).one()
        papers = {d.code: len(d.media) for d in await session.scalars(select(SubsidyDocument))}
    assert (filed.state, papers) == (ApplicationState.REVIEW, {"id_card": 1, "hukou_page": 0})
    assert "确定要撤回吗" in await press(page, "撤回申请")
    assert "撤回了" in await press(page, "确定撤回")
    async with running.database.write() as session:
        row = await session.get_one(SubsidyApplication, filed.id)
        assert row.state is ApplicationState.WITHDRAWN
        row.state, row.published_until = ApplicationState.PUBLISHED, (datetime.now(UTC) + timedelta(days=5)).date()
    await page.goto(f"{running.url}/subsidies/published")
    assert "王**" in await page.inner_text("main")
    await page.click("text=我有异议")
    await page.fill("textarea", "她户口不在本市，电话13800000000")
    await page.click("button:text-is('提交异议')")
    assert "谁提的不会告诉申请人" in await page.inner_text("main")
    await page.screenshot(path=tmp_path / "published.png")
    async with running.database.read() as session:
        assert (await session.scalars(select(SubsidyObjection.text))).all() == ["她户口不在本市，电话138****0000"]
    assert not any(secret in url for url in resident.requests for secret in (number, card(7), "13800000000"))
