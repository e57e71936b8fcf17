"""Take the README's pictures from a running program: ``python scripts/pictures.py`` starts one of its own."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from playwright.sync_api import Page, sync_playwright

from tests.support.system import ROOT, System, running

IMAGES = ROOT / "docs" / "images"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def say(page: Page, text: str) -> None:
    page.locator("textarea, input[type=text]").last.fill(text)
    page.keyboard.press("Enter")
    page.wait_for_timeout(2500)


def resident(page: Page, system: System) -> None:
    page.goto(system.resident)
    page.wait_for_timeout(1500)
    say(page, "城东街道宫涵社区3号楼2单元门口路灯坏了三天了")
    page.get_by_role("button", name="确认").last.click()
    page.wait_for_timeout(4000)
    page.screenshot(path=IMAGES / "chat.png")
    page.goto(f"{system.resident}/events")
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "chat-events.png")


def staff(page: Page, system: System) -> None:
    account = next(row for row in system.accounts() if row["role"] == "street" and "城东街道" in row["scope"])
    page.goto(system.staff)
    page.locator("input[name=username]").fill(account["username"])
    page.locator("input[name=password]").fill(account["password"])
    page.keyboard.press("Enter")
    page.wait_for_timeout(2000)
    page.goto(f"{system.staff}/?tab=all")
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "console.png")
    page.locator("a[href*='/events/']").first.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "console-event.png")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, running(Path(home)) as system, sync_playwright() as playwright:
        for who, line in (
            ("li", "宫涵社区5号楼的垃圾三天没人清了"),
            ("zhao", "界牌社区2号楼下水道堵了往外冒水"),
            ("sun", "宫涵社区8号楼电梯坏了停在五楼"),
            ("zhou", "城东街道宫涵社区1号楼消防通道被车堵住"),
        ):
            system.chat(who, line, "确认")
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=BROWSER)
        phone = browser.new_context(viewport=PHONE, device_scale_factor=2, locale="zh-CN")
        resident(phone.new_page(), system)
        desktop = browser.new_context(viewport=DESKTOP, locale="zh-CN")
        staff(desktop.new_page(), system)
        browser.close()


if __name__ == "__main__":
    main()
