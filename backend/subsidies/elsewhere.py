"""What is pressed or sent about an application that is on its way, and about one in somebody else's chat: withdrawing,
consent by button or code, the yearly re-check.
"""

import re

from backend.errors import LinlitongError, NotFound
from backend.subsidies import applications, consent, recheck
from backend.subsidies.models import SubsidyCheck
from backend.subsidies.talk import ELSEWHERE, RESULT, Heard, Room, button
from wording import Said

CODE, RECHECK = "code", "recheck"
PRESSED = frozenset(("withdraw", "drop", "agree", "decline", "code", "check"))
_DIGITS = re.compile(r"(?<!\d)\d{4,8}(?!\d)")


async def press(room: Room, what: str, rest: str) -> bool:
    """A button; what is refused is said, and ends the asking."""
    try:
        await _press(room, what, rest)
    except LinlitongError as refused:
        gone = isinstance(refused, NotFound)
        room.said.append(Said(room.desk.sentences.say("utter_subsidy_gone").text if gone else refused.sentence))
        room.over = True
    return True


async def _press(room: Room, what: str, rest: str) -> None:
    session, desk = room.session, room.desk
    match what:
        case "agree" | "decline":
            application = await consent.answer(session, rest, room.conversation, agreed=what == "agree", desk=desk)
            room.say("utter_subsidy_agreed" if what == "agree" else "utter_subsidy_declined", number=application.number)
            room.over = True
        case "code":
            await _own(room, rest)
            room.talk.stage, room.talk.draft = CODE, room.talk.draft | {"application": rest}
        case "check":
            await _check(room, rest)
        case "withdraw":
            application = await _own(room, rest)
            if not applications.may_withdraw(application):
                room.say("utter_subsidy_withdraw_late", number=application.number)
            else:
                name = (await applications.kind_of(session, application)).name
                said = desk.sentences.say("utter_subsidy_withdraw_sure", number=application.number, name=name)
                room.said.append(said)
            room.over = True
        case "drop":
            application = await _own(room, rest)
            await applications.withdraw(session, application, desk=desk)
            room.say("utter_subsidy_withdrawn", number=application.number)
            room.over = True


async def _own(room: Room, number: str) -> applications.SubsidyApplication:
    """The application of this conversation. Raises NotFound for another's."""
    application = await applications.by_number(room.session, number)
    if application.conversation_id != room.conversation.id:
        raise NotFound
    return application


async def _check(room: Room, rest: str) -> None:
    """``ID:ANSWER`` of a re-check; where a photo is wanted it is asked for."""
    number, _, answer = rest.partition(":")
    if not (number.isascii() and number.isdecimal() and len(number) < 18) or answer not in recheck.ANSWERS:
        raise NotFound
    check, campaign = await recheck.of_chat(room.session, int(number), room.conversation)
    if campaign.photo and answer == "same" and check.state is recheck.CheckState.ASKED:
        room.talk.stage, room.talk.draft = RECHECK, room.talk.draft | {"check": check.id}
        return
    await _answered(room, check, answer, [])


async def _answered(room: Room, check: SubsidyCheck, answer: str, media: list[str]) -> None:
    await recheck.take_answer(room.session, check, answer, media=media, desk=room.desk)
    room.say(f"utter_subsidy_recheck_answered_{answer}")
    room.over = True


async def listen(room: Room, heard: Heard) -> bool:
    """A code, or the photo of a re-check; what is refused is said, and ends the asking."""
    try:
        return await (_take_photo(room, heard) if room.talk.stage == RECHECK else _take_code(room, heard))
    except LinlitongError as refused:
        room.said.append(Said(refused.sentence))
        return _end(room)


async def _take_photo(room: Room, heard: Heard) -> bool:
    if heard.media:
        check, _ = await recheck.of_chat(room.session, room.talk.draft["check"], room.conversation)
        await _answered(room, check, "same", list(heard.media))
        return _end(room)
    if heard.intent in ELSEWHERE or not heard.text:
        return False
    room.say("utter_subsidy_photo_wanted")
    return True


async def _take_code(room: Room, heard: Heard) -> bool:
    digits = _DIGITS.search(heard.text)
    if digits is None:
        if heard.intent in ELSEWHERE or heard.media:
            return False
        room.say("utter_subsidy_code_shape", digits=consent.DIGITS)
        return True
    application = await _own(room, room.talk.draft["application"])
    if not await consent.give_code(room.session, application, digits[0], vault=room.vault, desk=room.desk):
        room.say("utter_subsidy_code_wrong")
        return True
    room.say("utter_subsidy_code_right", number=application.number)
    return _end(room)


def _end(room: Room) -> bool:
    room.talk.stage, room.over = RESULT, True
    room.talk.draft = {key: value for key, value in room.talk.draft.items() if key not in ("application", "check")}
    return True


async def question(room: Room) -> Said:
    """What is asked now."""
    if room.talk.stage == RECHECK:
        return room.desk.sentences.say("utter_subsidy_recheck_photo")
    said = room.desk.sentences.say("utter_subsidy_ask_code", number=room.talk.draft["application"], digits=consent.DIGITS)
    return Said(said.text, [button(room.name("stop"), "stop", "不用了 算了 先不办")])
