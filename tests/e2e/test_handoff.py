"""Two clerks in real browsers and a resident's chat: one speaker, in order, and nothing lost when the console's process is
killed while a reply is sent."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.system import System, running, texts

pytestmark = pytest.mark.browser
REPLIES = 12
SECONDS = 90_000  # milliseconds in which a killed process is back on a busy machine


@contextmanager
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=chromium_path,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
        )
        yield chromium
        chromium.close()


def signed_in(chromium: Browser, system: System, username: str) -> Page:
    page = chromium.new_context(locale="zh-CN", viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(SECONDS)
    page.goto(f"{system.staff}/sign-in")
    page.get_by_label("用户名").fill(username)
    page.get_by_label("密码").fill(next(row["password"] for row in system.accounts() if row["username"] == username))
    page.get_by_role("button", name="登录").click()
    page.get_by_role("link", name=re.compile("对话")).click()
    page.locator("#waiting .talk").first.click()
    expect(page.locator("#holder button")).to_have_text("接待")
    return page


def click_at_once(*pages: Page) -> None:
    """The one button of every page's holder line is clicked at the same moment."""
    moment = time.time() * 1000 + 500
    for page in pages:
        page.evaluate("at => { setTimeout(() => document.querySelector('#holder button').click(), at - Date.now()) }", moment)


def say(page: Page, text: str, button: str = "发给居民") -> None:
    """Type and press, and press again while the page says that it could not be sent, as a person would."""
    page.get_by_label("内容").fill(text)
    said = page.locator("#transcript .message p").get_by_text(text, exact=True)
    refused = page.locator("#speak .error:visible")
    deadline = time.monotonic() + SECONDS / 1000
    while said.count() == 0:
        assert time.monotonic() < deadline, f"{text} was not sent"
        page.get_by_role("button", name=button).click()
        expect(said.or_(refused).first).to_be_visible(timeout=SECONDS)
        if said.count() == 0:
            assert page.get_by_label("内容").input_value() == text, "what was typed is lost"
            page.wait_for_timeout(300)
    expect(page.get_by_label("内容")).to_have_value("")


def test_two_browsers_a_resident_and_a_killed_console(tmp_path: Path, chromium_path: str) -> None:
    with running(tmp_path) as system, browser(chromium_path) as chromium:
        asked = system.chat("wang", "城东街道宫涵社区3号楼路灯坏了", "转人工", wait=1)
        assert any("值班台" in text for text in texts(asked))
        clerks = [
            next(row for row in system.accounts() if row["role"] == role and scope in row["scope"])
            for role, scope in (("community", "宫涵社区"), ("street", "城东街道"))
        ]
        pages = [signed_in(chromium, system, row["username"]) for row in clerks]

        click_at_once(*pages)
        for page in pages:
            expect(page.locator("#holder span")).to_contain_text("在接待", timeout=SECONDS)
        winner = next(page for page in pages if page.locator("#holder span").inner_text() == "您在接待")
        (loser,) = [page for page in pages if page is not winner]
        assert re.fullmatch(r".+在接待", loser.locator("#holder span").inner_text())
        expect(winner.get_by_role("button", name="发给居民")).to_have_count(1)
        expect(loser.get_by_role("button", name="发给居民")).to_have_count(0)

        killed = threading.Timer(0.15, lambda: os.kill(system.pid("backend"), signal.SIGKILL))
        killed.start()
        for n in range(REPLIES):
            say(winner, f"第{n}句")
        killed.join()
        say(winner, "他家老人耳背", button="记备注")

        while not system.ready():
            time.sleep(0.2)
        heard = texts(system.chat("wang", "路灯还是没修", wait=3))
        assert [text for text in heard if text.startswith("第")] == [f"第{n}句" for n in range(REPLIES)]
        assert sum("来了，下面由" in text for text in heard) == 1
        assert not any(word in text for text in heard for word in ("耳背", "在哪儿呢"))
        for page in pages:  # both see what the resident says, live
            expect(page.locator("#transcript").get_by_text("路灯还是没修", exact=True)).to_be_visible(timeout=SECONDS)

        danger = texts(system.chat("wang", "家里着火了，楼道全是烟", wait=4))
        assert [text[:6] for text in danger] == ["【安全提醒】"]

        winner.get_by_role("button", name="交还机器人").click()
        expect(loser.locator("#holder span")).to_have_text("由机器人接待", timeout=SECONDS)
        after = texts(system.chat("wang", wait=4))
        assert "刚才的接待，您满意吗？" in after[0]
        assert any("刚才没办完的" in text for text in after)
