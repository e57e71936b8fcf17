"""Applying in the chat: what is known is shown and confirmed, only the rest is asked, papers are photos.

The draft of a talk: {kind, facts_right, name, identity, account, phone (ids in the vault), area, papers: {code: [media] or
"later"}, keep, application}. What is missing in it says what is asked.
"""

import re
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Message
from backend.errors import Conflict, TooMany
from backend.feedback.masking import SURNAMES
from backend.grids.models import Area, Level
from backend.localtime import say_day
from backend.subsidies import applications, consent, elsewhere, reading
from backend.subsidies.advice import advise
from backend.subsidies.applications import Form
from backend.subsidies.catalogue import Kind
from backend.subsidies.models import ApplicationState, SubsidyApplication
from backend.subsidies.talk import ASK, ELSEWHERE, MOST_BUTTONS, RESULT, Heard, Room, button
from backend.vault import numbers
from backend.vault import service as vaults
from backend.vault.models import Secret, VaultItem
from wording import Said

APPLY, HAND_IN, ACCOUNT, CODE, RECHECK = "apply", "hand_in", "account", "code", "recheck"
LATER = (HAND_IN, ACCOUNT, CODE, RECHECK)
_NAME = re.compile(r"(?:我叫|叫|姓名是|姓名|名字是|是)?[:： ]*([㐀-鿿]{2,4}(?:·[㐀-鿿]{1,10})?)[。 ]*")
_KEPT = ("name", "identity", "account", "area")


async def press(room: Room, what: str, rest: str) -> bool:
    """A button of the application."""
    talk, draft = room.talk, room.talk.draft
    if what == "apply":
        return _begin(room, rest)
    if what in ("hand", *elsewhere.PRESSED):
        return await (_hand(room, rest) if what == "hand" else elsewhere.press(room, what, rest))
    if talk.stage != APPLY:
        room.say("utter_subsidy_gone")
        return True
    match what:
        case "right":
            talk.draft = draft | {"facts_right": True}
        case "wrong":
            talk.facts, talk.skipped, talk.stage, talk.draft = {}, [], ASK, _kept(draft)
        case "area" if await room.session.get(Area, rest):
            talk.draft = draft | {"area": rest, "areas": []}
        case "later":
            may = any(paper.code == rest and paper.cure_days for paper in _papers(room))
            talk.draft = draft | {"papers": draft.get("papers", {}) | ({rest: "later"} if may else {})}
        case "bycode":
            await _by_code(room)
        case "keep":
            talk.draft = draft | {"keep": rest == "yes"}
        case "again":
            talk.draft = {key: value for key, value in draft.items() if key not in (*_KEPT, "phone", "papers", "keep")}
        case "submit":
            await _submit(room)
        case _:
            room.say("utter_subsidy_gone")
    return True


async def _by_code(room: Room) -> None:
    """The other person is to be asked: by text message, or in their own chat, where the given phone is known from one."""
    if "phone" not in room.talk.draft:
        room.say("utter_subsidy_gone")
        return
    phone = await room.session.get_one(VaultItem, room.talk.draft["phone"])
    if room.desk.sms:
        if await consent.is_own(room.session, phone, applicant=room.conversation):
            room.say("utter_subsidy_code_own", who=room.who)
            return
    elif await consent.chat_of(room.session, phone, applicant=room.conversation) is None:
        room.say("utter_subsidy_code_unknown", who=room.who)
        return
    room.talk.draft = room.talk.draft | {"papers": room.talk.draft.get("papers", {}) | {"consent": "code"}}


def _begin(room: Room, code: str) -> bool:
    fits = {fit.kind.code for fit in room.advice.fits} | {
        fit.kind.code for fit in advise(room.catalogue, room.talk.facts, [code] if code in room.catalogue.kinds else []).fits
    }
    if code not in fits:
        room.say("utter_subsidy_gone")
        room.talk.stage = ASK
        return True
    kept = room.talk.draft
    papers = dict(kept.get("kept") or {})
    room.talk.draft = _kept(kept) | {"kind": code, "papers": papers}
    room.talk.stage = APPLY
    return True


def _kept(draft: dict[str, Any]) -> dict[str, Any]:
    """What is known for the next application."""
    return {key: draft[key] for key in (*_KEPT, "kept") if key in draft}


async def _hand(room: Room, number: str) -> bool:
    """Something is to be handed in for an application of this conversation."""
    application = await applications.by_number(room.session, number)
    if application.conversation_id != room.conversation.id:
        room.say("utter_subsidy_gone")
        return True
    room.talk.stage = ACCOUNT if application.state is ApplicationState.PAYMENT_FAILED else HAND_IN
    room.talk.draft = room.talk.draft | {"application": number}
    return True


async def listen(room: Room, heard: Heard) -> bool:
    """A message while an application is put together, or while something is handed in."""
    if room.talk.stage in LATER:
        take = elsewhere.listen if room.talk.stage in (CODE, RECHECK) else _take_later
        return await take(room, heard)
    asked = await _asked(room)
    found = await _numbers(room, heard)
    if asked in ("name", "identity", "account", "phone") and (taken := await _take_number(room, heard, asked, found)):
        return taken
    if asked.startswith("paper:") and heard.media:
        code = asked.partition(":")[2]
        papers = room.talk.draft.get("papers", {})
        room.talk.draft = room.talk.draft | {"papers": papers | {code: list(heard.media)}}
        room.say("utter_subsidy_paper_taken")
        return True
    if asked == "area" and heard.text and await _take_area(room, heard.text):
        return True
    if heard.intent in ELSEWHERE and not found:
        return False
    room.say("utter_subsidy_unclear")
    return True


async def _take_number(room: Room, heard: Heard, asked: str, found: list[list[str]]) -> bool:
    """A name, or a number that the vault took out of the message."""
    if asked == "name":
        name = _NAME.fullmatch(heard.text.strip())
        if name is None or (heard.intent in ELSEWHERE and name[1][0] not in SURNAMES):
            return False
        item = await vaults.put(
            room.session, room.vault, Secret.NAME, name[1], resident_id=room.conversation.resident_id, now=room.desk.now
        )
        room.talk.draft = room.talk.draft | {"name": item.id}
        return True
    wanted = {"identity": Secret.IDENTITY, "account": Secret.BANK, "phone": Secret.PHONE}[asked]
    items = await _items(room, heard)
    if wanted in items:
        if wanted is Secret.IDENTITY:
            _check_age(room, items[wanted])
        if asked == "phone":
            items[wanted].message_id = None  # it is not the writer's own: see consent.py
        room.talk.draft = room.talk.draft | {asked: items[wanted].id}
        return True
    if found:
        kind, problem = found[-1]
        room.say(f"utter_subsidy_{problem}" if problem and kind == wanted.value else f"utter_subsidy_not_{asked}")
        return True
    digits = re.sub(r"\D", "", heard.text)
    if len(digits) >= 4:
        room.say(f"utter_subsidy_not_{asked}")
        return True
    return False


def _check_age(room: Room, item: VaultItem) -> None:
    """The identity number knows better how old somebody is."""
    born = numbers.birth_of(room.vault.open(item))
    if born is None or "age" not in room.talk.facts:
        return
    today = room.desk.today
    age = age_on(born, today)
    if age != room.talk.facts["age"]:
        room.know({"age": age})
        room.say("utter_subsidy_age_corrected", who=room.who, age=age)
        kind = room.talk.draft["kind"]
        if not advise(room.catalogue, room.talk.facts, [kind]).fits:
            room.talk.stage, room.talk.draft = ASK, _kept(room.talk.draft)


def age_on(born: date, today: date) -> int:
    """Full years on a day."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


async def _take_area(room: Room, text: str) -> bool:
    """The community by its name; several of one name are offered as buttons."""
    areas = list(await room.session.scalars(select(Area).where(Area.level == Level.COMMUNITY)))
    named = [area for area in areas if area.name in text or re.sub(r"(社区|村)$", "", area.name) in text]
    longest = max((len(area.name) for area in named), default=0)
    named = [area for area in named if len(area.name) == longest]
    if not named:
        return False
    if len(named) == 1:
        room.talk.draft = room.talk.draft | {"area": named[0].code, "areas": []}
    else:
        room.talk.draft = room.talk.draft | {"areas": [area.code for area in named[:MOST_BUTTONS]]}
    return True


async def _take_later(room: Room, heard: Heard) -> bool:
    """A paper, an answer or a new account for an application that is on its way."""
    application = await applications.by_number(room.session, room.talk.draft["application"])
    if room.talk.stage == ACCOUNT:
        found = await _numbers(room, heard)
        items = await _items(room, heard)
        if Secret.BANK not in items:
            if not found and heard.intent in ELSEWHERE:
                return False
            problem = found[-1][1] if found and found[-1][0] == Secret.BANK.value else ""
            room.say(f"utter_subsidy_{problem}" if problem else "utter_subsidy_not_account")
            return True
        await applications.new_account(room.session, application, items[Secret.BANK], desk=room.desk)
        room.say("utter_subsidy_account_taken", number=application.number)
    else:
        if not heard.media and (heard.intent in ELSEWHERE or not heard.text):
            return False
        gap = next((d.code for d in await applications.documents_of(room.session, application) if not d.media), None)
        if gap and not heard.media and application.state is not ApplicationState.MORE:
            room.say("utter_subsidy_photo_wanted")
            return True
        code = gap if heard.media and application.state is not ApplicationState.MORE else None
        await applications.answer(room.session, application, text=heard.text, media=heard.media, code=code, desk=room.desk)
        room.say("utter_subsidy_handed_in", number=application.number)
        left = [d for d in await applications.documents_of(room.session, application) if not d.media]
        if left and code is not None:
            return True
    room.talk.stage, room.over = RESULT, True
    room.talk.draft = {key: value for key, value in room.talk.draft.items() if key != "application"}
    return True


async def _items(room: Room, heard: Heard) -> dict[Secret, VaultItem]:
    """The kept numbers that the message brought, by kind."""
    if heard.brought is not None:
        return heard.brought.items
    return await vaults.of_message(room.session, heard.message_id) if heard.message_id else {}


async def _numbers(room: Room, heard: Heard) -> list[list[str]]:
    """[kind, problem] of each number that the message brought; problem is "" for a valid one."""
    if heard.brought is not None:
        return heard.brought.numbers
    message = await room.session.get(Message, heard.message_id) if heard.message_id else None
    if message is None or message.conversation_id != room.conversation.id:
        return []
    found: list[list[str]] = message.payload.get("numbers") or []
    return found


def _kind(room: Room) -> Kind:
    return room.catalogue.kinds[room.talk.draft["kind"]]


def _papers(room: Room) -> list[Any]:
    return _kind(room).papers(room.talk.facts)


async def _asked(room: Room) -> str:
    """What the draft still lacks: facts, name, identity, account, area, paper:CODE, keep, or summary."""
    draft = room.talk.draft
    wanted = ["facts_right", "name", "identity", "account", "area"]
    if room.talk.about != "self":
        wanted.insert(3, "phone")
    for key in wanted:
        if key not in draft:
            return key
    papers = draft.get("papers", {})
    for paper in _papers(room):
        if paper.code not in papers:
            return f"paper:{paper.code}"
    if room.talk.about != "self" and "consent" not in papers:
        return "paper:consent"
    return "summary" if "keep" in draft else "keep"


async def question(room: Room) -> Said:
    """What is asked now, with its buttons."""
    return await (_ask_later(room) if room.talk.stage in LATER else _ask_missing(room))


async def _ask_missing(room: Room) -> Said:
    asked, _, code = (await _asked(room)).partition(":")
    match asked:
        case "facts_right":
            return _ask_facts(room)
        case "area":
            return await _ask_area(room)
        case "paper":
            return _ask_paper(room, code)
        case "keep":
            buttons = [
                button(room.name("yes_keep"), "keep=yes", "同意 可以 好 行 留着"),
                button(room.name("no_keep"), "keep=no", "不同意 不用 不要 不留"),
            ]
            return Said(room.desk.sentences.say("utter_subsidy_ask_keep").text, buttons)
        case "summary":
            return await _summary(room, _kind(room))
        case _:
            return room.desk.sentences.say(f"utter_subsidy_ask_{asked}", who=room.who)


def _ask_facts(room: Room) -> Said:
    kind = _kind(room)
    lines = [
        f"{fact.name}：{reading.say(fact, room.talk.facts[key])}"
        for key, fact in room.catalogue.facts.items()
        if key in room.catalogue.diagrams[kind.code].cells and key in room.talk.facts
    ]
    said = room.desk.sentences.say("utter_subsidy_ask_facts", name=kind.name, who=room.who, lines="\n".join(lines))
    right = button(room.name("right"), "right", "对 对的 没错 是的 确认")
    return Said(said.text, [right, button(room.name("wrong"), "wrong", "不对 有不对的 不是")])


async def _ask_area(room: Room) -> Said:
    codes = room.talk.draft.get("areas", [])
    buttons = [button(await _area_name(room.session, code), f"area={code}") for code in codes]
    return Said(room.desk.sentences.say("utter_subsidy_ask_area", who=room.who).text, buttons)


def _ask_paper(room: Room, code: str) -> Said:
    if code == "consent":
        by_code = button(room.name("by_code"), "bycode", "发验证码 验证码 让他自己同意 让她自己同意")
        if not room.desk.sms:
            return Said(room.desk.sentences.say("utter_subsidy_ask_consent", who=room.who).text, [by_code])
        by_sms = button(room.name("by_sms"), "bycode", "发短信 发验证码 验证码 短信验证码 让本人确认")
        return Said(room.desk.sentences.say("utter_subsidy_ask_consent_sms", who=room.who).text, [by_sms])
    paper = next(paper for paper in _papers(room) if paper.code == code)
    later = button(room.name("later", days=paper.cure_days), f"later={code}", "晚点补 以后补 先欠着 没带 过后补")
    said = room.desk.sentences.say("utter_subsidy_ask_paper", paper=paper.name)
    return Said(said.text, [later] if paper.cure_days else [])


async def _ask_later(room: Room) -> Said:
    say = room.desk.sentences.say
    if room.talk.stage in (CODE, RECHECK):
        return await elsewhere.question(room)
    if room.talk.stage == ACCOUNT:
        return say("utter_subsidy_ask_account_again", number=room.talk.draft["application"])
    application = await applications.by_number(room.session, room.talk.draft["application"])
    if application.state is ApplicationState.MORE:
        return say("utter_subsidy_ask_more", number=application.number)
    kind = await applications.kind_of(room.session, application)
    names = {paper.code: paper.name for paper in kind.documents} | {"consent": room.name("consent")}
    gaps = [names.get(d.code, d.code) for d in await applications.documents_of(room.session, application) if not d.media]
    if not gaps:
        return say("utter_subsidy_nothing_missing", number=application.number)
    return say("utter_subsidy_ask_paper", paper=gaps[0])


async def _summary(room: Room, kind: Kind) -> Said:
    draft, session = room.talk.draft, room.session
    items = {key: await session.get_one(VaultItem, draft[key]) for key in ("name", "identity", "account")}
    fit = advise(room.catalogue, room.talk.facts, [kind.code]).fits
    today = room.desk.today
    papers = draft.get("papers", {})
    names = {paper.code: paper for paper in _papers(room)}
    lines = [
        room.name("consent_by_sms" if room.desk.sms else "consent_by_code", who=room.who)
        if media == "code"
        else room.name("gap", paper=names[code].name, day=say_day(today + timedelta(days=names[code].cure_days)))
        if media == "later"
        else room.name("paper", paper=names[code].name if code in names else room.name("consent"))
        for code, media in papers.items()
        if code in names or code == "consent"
    ]
    said = room.desk.sentences.say(
        "utter_subsidy_summary",
        kind=kind.name,
        amount=fit[0].text if fit else "",
        name=items["name"].masked,
        identity=items["identity"].masked,
        account=items["account"].masked,
        area=await _area_name(session, draft["area"]),
        papers="\n".join(lines),
        applicant=room.name("own") if room.talk.about == "self" else room.name("behalf", who=room.who),
    )
    return Said(
        said.text,
        [
            button(room.name("submit"), "submit", "提交 确认 没问题 确认提交 对的"),
            button(room.name("again"), "again", "改 有错 要改 修改 不对"),
            button(room.name("stop"), "stop", "不用了 先不办 不办了 算了"),
        ],
    )


async def _submit(room: Room) -> None:
    draft, session = room.talk.draft, room.session
    if await _asked(room) != "summary":
        return
    items = {key: await session.get_one(VaultItem, draft[key]) for key in ("name", "identity", "account")}
    papers = {code: media for code, media in draft.get("papers", {}).items() if media not in ("later", "code")}
    by_code = draft.get("papers", {}).get("consent") == "code"
    form = Form(
        kind=draft["kind"],
        about=room.talk.about,
        facts=dict(room.talk.facts),
        catalogue_id=room.talk.catalogue_id,
        name=items["name"],
        identity=items["identity"],
        account=items["account"],
        phone_id=draft.get("phone"),
        area_code=draft["area"],
        papers=papers,
        consent="code" if by_code else "paper",
    )
    kept = _kept(draft) | ({"kept": {code: m for code, m in papers.items() if code != "consent"}} if draft["keep"] else {})
    try:
        async with session.begin_nested():
            application = await applications.submit(session, room.conversation, form, desk=room.desk)
            if by_code:
                await _ask_other(room, application, draft["phone"])
    except TooMany as refused:
        room.said.append(Said(refused.sentence))
        room.talk.draft = draft | {"papers": {code: m for code, m in draft["papers"].items() if code != "consent"}}
        return
    except Conflict as refused:
        room.said.append(Said(refused.sentence))
    else:
        kind = await applications.kind_of(session, application)
        name = "utter_subsidy_submitted"
        if by_code:
            name = "utter_subsidy_submitted_by_sms" if room.desk.sms else "utter_subsidy_submitted_by_code"
        room.say(name, name=kind.name, number=application.number, days=kind.days, who=room.who)
        if by_code and room.desk.sms and room.desk.quiet.at(room.desk.now):
            room.say("utter_subsidy_sms_in_the_morning")
    room.talk.stage, room.talk.draft, room.over = RESULT, kept, True


async def _ask_other(room: Room, application: SubsidyApplication, phone_id: int) -> None:
    phone = await room.session.get_one(VaultItem, phone_id)
    asked = await consent.ask(room.session, application, phone, applicant=room.conversation, vault=room.vault, desk=room.desk)
    if asked is None:  # they have deleted their data meanwhile
        raise Conflict(room.desk.sentences.say("utter_subsidy_code_unknown", who=room.who).text)


async def _area_name(session: AsyncSession, code: str) -> str:
    """The community's name after its street's."""
    area = await session.get_one(Area, code)
    above = await session.get(Area, area.parent_code) if area.parent_code else None
    return f"{above.name}{area.name}" if above else area.name
