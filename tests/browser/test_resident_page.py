"""The resident page in a real browser, on a phone unless the test says otherwise."""

import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Browser

from backend.conversations.models import Author
from tests.browser.conftest import DESKTOP, PHONE, Visitor, visit
from tests.gateway.running import SAID, Town

pytestmark = pytest.mark.browser

YES_NO = [{"title": "确认", "payload": "/confirm_report"}, {"title": "取消", "payload": "/cancel"}]
SOLVED = [{"title": "已解决", "payload": '/verify{"number":"1234-5678","solved":true}'}]
HOSTILE = [
    "<img src=x onerror=\"document.title='broken'\">",
    "<script>document.title='broken'</script>",
    "</div><svg onload=\"document.title='broken'\">",
    "{{ 7 * 7 }} [点](javascript:document.title='broken')",
]


def picture(path: Path, width: int, height: int) -> Path:
    """A photo of noise, so that it does not pack small."""
    image = Image.effect_noise((width, height), 80).convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95)
    path.write_bytes(out.getvalue())
    return path


async def disabled(resident: Visitor) -> dict[str, bool]:
    """Each chip of the log by its words."""
    return await resident.page.eval_on_selector_all(
        "#log .chip", "chips => Object.fromEntries(chips.map(chip => [chip.textContent, chip.disabled]))"
    )


async def test_the_first_message_is_answered_and_the_welcome_makes_room(resident: Visitor) -> None:
    await resident.say("路灯坏了")
    await resident.hears(SAID.format("路灯坏了"))
    await resident.page.wait_for_selector("#welcome", state="hidden")
    assert (await resident.bubbles())[:2] == ["路灯坏了", SAID.format("路灯坏了")]
    assert await resident.page.input_value("#text") == ""
    await resident.page.wait_for_selector("#typing", state="hidden")


async def test_a_chip_of_the_welcome_begins_a_report(running: Town, resident: Visitor) -> None:
    await resident.page.click("#welcome .chip >> text=我要报事")
    await resident.hears("我要报事")
    await resident.hears(SAID.format("/report_issue"))


async def test_a_pressed_row_of_chips_is_over_also_after_reloading(running: Town, resident: Visitor) -> None:
    running.engine.buttons["路灯坏了"] = YES_NO
    await resident.say("路灯坏了")
    await resident.page.click("#log .chip >> text=确认")
    await resident.hears(SAID.format("/confirm_report"))
    assert await disabled(resident) == {"确认": True, "取消": True}
    await resident.page.reload()
    await resident.hears(SAID.format("/confirm_report"))
    assert await disabled(resident) == {"确认": True, "取消": True}
    assert await resident.page.locator("#log .chip.pressed").all_inner_texts() == ["确认"]


async def test_what_was_asked_is_over_once_the_resident_says_something_else_but_a_push_stays(
    running: Town, resident: Visitor
) -> None:
    running.engine.buttons["路灯坏了"] = YES_NO
    await resident.say("路灯坏了")
    await resident.page.wait_for_selector("#log .chip")
    await running.push(await resident.address(), "路灯故障（1234-5678）解决了吗？", buttons=SOLVED)
    await resident.hears("路灯故障（1234-5678）解决了吗？")
    assert await disabled(resident) == {"确认": False, "取消": False, "已解决": False}
    await resident.say("你们几点上班")
    await resident.hears(SAID.format("你们几点上班"))
    assert await disabled(resident) == {"确认": True, "取消": True, "已解决": False}
    await resident.page.click("#log .chip >> text=已解决")
    await resident.hears(SAID.format(SOLVED[0]["payload"]))
    assert await disabled(resident) == {"确认": True, "取消": True, "已解决": True}


async def test_a_large_photo_is_made_smaller_previewed_and_sent_with_its_words(
    running: Town, resident: Visitor, tmp_path: Path
) -> None:
    sizes = []
    resident.page.on(
        "request", lambda request: sizes.append(len(request.post_data_buffer or b"")) if "/api/photos" in request.url else None
    )
    large = picture(tmp_path / "large.jpg", 4000, 3000)
    await resident.page.set_input_files("#photo", large)
    await resident.page.wait_for_selector("#tray .thumb img")
    await resident.page.fill("#text", "就是这盏")
    await resident.page.click("#send")
    await resident.hears("就是这盏", seconds=20)
    await resident.hears(SAID.format("/share_photo"))
    shown = await resident.page.eval_on_selector("#log .picture img", "image => image.decode().then(() => image.naturalWidth)")
    assert shown == 2048
    assert sizes[0] < large.stat().st_size
    assert running.engine.turns[0]["metadata"]["text"] == "就是这盏"
    assert await resident.page.locator("#tray .thumb").count() == 0


async def test_a_text_file_named_jpg_is_answered_with_a_sentence(resident: Visitor, tmp_path: Path) -> None:
    fake = tmp_path / "photo.jpg"
    fake.write_text("不是照片")
    await resident.page.set_input_files("#photo", fake)
    await resident.page.wait_for_selector("#toast:visible")
    assert "换一张照片" in await resident.page.inner_text("#toast")
    assert await resident.page.locator("#tray .thumb").count() == 0


async def test_a_place_is_sent_when_the_resident_allows_it(running: Town, resident: Visitor) -> None:
    await resident.context.grant_permissions(["geolocation"])
    await resident.context.set_geolocation({"latitude": 32.49, "longitude": 119.93})
    await resident.page.click("#place")
    await resident.hears("我的位置")
    await resident.hears(SAID.format("/share_location"))
    assert running.engine.turns[0]["metadata"]["location"] == {"latitude": 32.49, "longitude": 119.93}


async def test_a_refused_place_is_no_dead_end(resident: Visitor) -> None:
    await resident.context.clear_permissions()
    await resident.page.click("#place")
    await resident.page.wait_for_selector("#toast:visible", timeout=20_000)
    assert "直接说小区名和楼号" in await resident.page.inner_text("#toast")


async def test_markup_is_shown_as_what_was_written(running: Town, resident: Visitor) -> None:
    for text in HOSTILE:
        await resident.say(text)
        await resident.hears(SAID.format(text))
        await running.push(await resident.address(), text, buttons=[{"title": text[:40], "payload": "/deny"}])
        await resident.hears(text, count=2)
    await resident.page.reload()
    await resident.hears(HOSTILE[-1], count=2)
    assert await resident.page.title() == "邻里通"
    assert await resident.page.locator("#log img, #log script, #log .bubble svg").count() == 0


async def test_after_a_break_the_page_shows_what_was_missed_and_sends_what_was_kept_once(
    running: Town, resident: Visitor
) -> None:
    await resident.say("路灯坏了")
    await resident.hears(SAID.format("路灯坏了"))
    await running.gateway.stop()
    await resident.page.wait_for_selector("#line:visible")
    await resident.say("还有垃圾没清")
    await resident.page.wait_for_selector("#unsent .note")
    assert await resident.page.inner_text("#unsent .note") == "还没发出去，连上后自动发送"
    await running.push(await resident.address(), "【已派遣】1234-5678")
    await running.gateway.start()
    await resident.hears("【已派遣】1234-5678", seconds=15)
    await resident.hears(SAID.format("还有垃圾没清"), seconds=45)  # a lease may have to run out first
    await resident.page.wait_for_selector("#line", state="hidden")
    bubbles = await resident.bubbles()
    assert bubbles.count("还有垃圾没清") == 1
    assert await resident.page.locator("#unsent .row").count() == 0
    assert [turn["text"] for turn in running.engine.turns] == ["路灯坏了", "还有垃圾没清"]


async def test_a_message_whose_confirmation_was_lost_is_not_sent_twice(running: Town, resident: Visitor) -> None:
    lost = 0

    async def lose_the_answer(route, request):
        nonlocal lost
        if lost < 2:
            lost += 1
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await resident.page.route("**/api/messages", lose_the_answer)
    await resident.say("路灯坏了")
    await resident.hears(SAID.format("路灯坏了"), seconds=10)
    assert lost == 2
    assert (await resident.bubbles()).count("路灯坏了") == 1
    assert len(running.engine.turns) == 1


async def test_an_unsent_message_outlives_the_page(running: Town, resident: Visitor) -> None:
    await resident.page.route(
        "**/api/messages", lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    await resident.say("路灯坏了")
    await resident.page.wait_for_selector("#unsent .row")
    await resident.page.unroute_all()
    await resident.page.reload()
    await resident.hears(SAID.format("路灯坏了"), seconds=10)
    assert (await resident.bubbles()).count("路灯坏了") == 1


async def test_two_tabs_show_the_same_conversation(running: Town, resident: Visitor) -> None:
    first, second = resident.page, await resident.tab()
    await second.fill("#text", "从第二个页面说")
    await second.press("#text", "Enter")
    await resident.hears(SAID.format("从第二个页面说"))
    await resident.say("从第一个页面说")
    resident.page = second
    await resident.hears(SAID.format("从第一个页面说"))
    resident.page = first
    assert await first.locator("#log .bubble").all_inner_texts() == await second.locator("#log .bubble").all_inner_texts()


async def test_a_push_appears_within_two_seconds_and_scrolls_into_view(running: Town, resident: Visitor) -> None:
    for number in range(8):
        await resident.say(f"第{number}句，写得长一点，好把页面写满，写满了才看得出有没有滚动")
    await resident.hears(SAID.format("第7句，写得长一点，好把页面写满，写满了才看得出有没有滚动"), seconds=15)
    await running.push(await resident.address(), "【处置中】1234-5678 有人在办了")
    await resident.hears("【处置中】1234-5678 有人在办了", seconds=2)
    last = resident.page.locator("#log .bubble").last
    box, composer = await last.bounding_box(), await resident.page.locator("#composer").bounding_box()
    assert box["y"] + box["height"] <= composer["y"]


async def test_a_person_is_seen_to_be_a_person_and_numbers_can_be_tapped(running: Town, resident: Visitor) -> None:
    await resident.say("我想找个人说说")
    await resident.hears(SAID.format("我想找个人说说"))
    words = "我是小王，电话 13800001111，着火打 119，编号 1234-5678，意见 Y1234-5678，补贴 B1234-5678"
    await running.push(await resident.address(), words, author=Author.STAFF)
    await resident.page.wait_for_selector("text=工作人员")
    links = await resident.page.eval_on_selector_all("#log a", "links => links.map(link => link.getAttribute('href'))")
    assert links == ["tel:13800001111", "tel:119", "/events/1234-5678", "/subsidies/B1234-5678"]


async def test_my_events_open_from_the_tab_and_tell_each_step(running: Town, resident: Visitor) -> None:
    from sqlalchemy import update

    from backend.conversations import service as conversations
    from backend.events.models import Event
    from tests.gateway.running import file_streetlight

    await resident.say("你好")
    await resident.hears(SAID.format("你好"))
    number = await file_streetlight(running, "somebody-else", [])
    async with running.database.write() as session:
        mine = await conversations.find(session, channel="web", address=await resident.address())
        await session.execute(update(Event).values(reporter_id=mine.resident_id))
    await resident.page.click("nav >> text=我的办件")
    await resident.page.click(f".card:has-text('{number}')")
    await resident.page.wait_for_selector(".steps li")
    steps = await resident.page.locator(".steps b").all_inner_texts()
    assert steps[-1] == "已上报"
    assert "3号楼门口路灯坏了<b>三天</b>" in await resident.page.inner_text(".card-text")
    assert await resident.page.locator(".card-text b").count() == 0


async def test_a_card_changes_while_it_is_looked_at(running: Town, resident: Visitor) -> None:
    await resident.say("你好")
    await resident.hears(SAID.format("你好"))
    await resident.page.goto(f"{running.url}/events")
    await resident.page.wait_for_selector("text=您还没有报过事")
    async with resident.page.expect_request(lambda request: request.url.endswith("/events") and request.resource_type == "xhr"):
        await resident.page.wait_for_timeout(300)
        await running.push(await resident.address(), "【已受理】")


@pytest.mark.parametrize("options", [PHONE, DESKTOP, PHONE | {"color_scheme": "dark"}], ids=["phone", "desktop", "dark"])
async def test_it_fits_the_screen_and_can_be_read_and_touched(
    chromium: Browser, running: Town, tmp_path: Path, options: dict
) -> None:
    visitor = await visit(chromium, running.url, options)
    running.engine.buttons["路灯坏了"] = YES_NO
    await visitor.say("路灯坏了")
    await visitor.page.wait_for_selector("#log .chip")
    await visitor.say("长" * 300 + "w" * 300)
    await visitor.hears(SAID.format("长" * 300 + "w" * 300))
    assert await visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await visitor.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    small = await visitor.page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
            .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16).map(e => e.outerHTML)"""
    )
    assert small == []
    low = await visitor.page.evaluate(
        """() => [...document.querySelectorAll('button, nav a, .tool, textarea')]
            .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)"""
    )
    assert low == []
    await visitor.context.close()


async def test_larger_type_is_kept_on_the_device_and_fits_the_phone(running: Town, resident: Visitor) -> None:
    page = resident.page
    running.engine.buttons["路灯坏了"] = YES_NO
    await resident.say("路灯坏了")
    await page.wait_for_selector("#log .chip")
    sizes = (
        "['#log .bubble', '#log .chip', '#text'].map(one => parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"
    )
    usual = await page.evaluate(sizes)
    await page.click("text=大字")
    assert await page.evaluate(sizes) == pytest.approx([size * 1.4 for size in usual])
    for path in ("/", "/events", "/public"):
        await page.goto(running.url + path)
        assert await page.get_attribute("#larger", "aria-pressed") == "true"
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await page.click("text=大字")
    await page.reload()
    assert await page.get_attribute("#larger", "aria-pressed") == "false"
