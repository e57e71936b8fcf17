"""A real headless Chromium before the whole gateway; every request it makes is written down."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.gateway.running import Town, town

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture
async def running(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with town(sqlite_url, tmp_path, messages_per_minute=600) as everything:
        yield everything


@pytest.fixture
async def chromium(chromium_path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        await browser.close()


@dataclass
class Visitor:
    """A browser of one resident: ``page`` is its first tab. ``requests`` and ``complaints`` are of all of them."""

    context: BrowserContext
    url: str
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    async def tab(self) -> Page:
        page = await self.context.new_page()
        self.watch(page)
        await page.goto(self.url)
        return page

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    async def say(self, text: str) -> None:
        await self.page.fill("#text", text)
        await self.page.press("#text", "Enter")

    async def hears(self, text: str, count: int = 1, *, seconds: float = 5) -> None:
        """Wait until the log holds ``count`` bubbles with exactly this text."""
        await self.page.wait_for_function(
            "([text, count]) => [...document.querySelectorAll('#log .bubble')]"
            ".filter(bubble => bubble.textContent === text).length === count",
            arg=[text, count],
            timeout=seconds * 1000,
        )

    async def bubbles(self) -> list[str]:
        return await self.page.locator("#log .bubble").all_inner_texts()

    async def address(self) -> str:
        (cookie,) = await self.context.cookies()
        return hashlib.sha256(cookie["value"].encode()).hexdigest()


async def visit(browser: Browser, url: str, options: dict[str, Any]) -> Visitor:
    context = await browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **options)
    visitor = Visitor(context, url, await context.new_page())
    visitor.watch(visitor.page)
    visitor.page.on(
        "console", lambda line: visitor.complaints.append(line.text) if "Content Security Policy" in line.text else None
    )
    await visitor.page.goto(url)
    await visitor.page.wait_for_selector("#welcome:visible")
    return visitor


@pytest.fixture
async def resident(chromium: Browser, running: Town) -> AsyncIterator[Visitor]:
    """A resident with a phone who has just opened the page for the first time; in the end nothing was asked of another
    host, no script failed, no dialog opened and no policy was broken."""
    visitor = await visit(chromium, running.url, PHONE)
    yield visitor
    foreign = [url for url in visitor.requests if not url.startswith((running.url, "blob:", "data:"))]
    await visitor.context.close()
    assert (foreign, visitor.complaints) == ([], [])
