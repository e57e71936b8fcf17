"""The talk about what somebody may have: one question at a time, to be left and taken up again at any time.

Where it stands is in the record (SubsidyTalk), not in the dialogue engine. Applying goes on in apply.py.
"""

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations.models import Conversation
from backend.events.service import Desk
from backend.subsidies import reading, service
from backend.subsidies.advice import Advice, advise, next_fact
from backend.subsidies.catalogue import Catalogue, Fact
from backend.subsidies.models import SubsidyTalk
from backend.subsidies.rules import Value
from backend.vault.models import Secret, VaultItem
from backend.vault.service import Vault
from wording import Said

ASK, RESULT = "ask", "result"
MOST_BUTTONS = 5
# What is answered elsewhere when it brings nothing here.
ELSEWHERE = frozenset(
    (
        *("report_issue", "ask_legal", "vote", "give_opinion", "ask_status", "request_human", "ask_guide", "emergency"),
        *("greet", "goodbye", "thank", "cancel", "out_of_scope", "delete_my_data", "start", "show_menu"),
        *("share_voice", "share_sticker", "share_unreadable", "show_event", "urge", "supplement", "withdraw", "verify", "rate"),
    )
)
AGAIN = ("重新问", "从头", "重来", "重新算")


@dataclass(frozen=True)
class Heard:
    """One message of the resident as the talk hears it. ``starting``: nothing was being asked."""

    text: str = ""
    intent: str = ""
    choice: str = ""
    media: list[str] = field(default_factory=list)
    message_id: int | None = None
    starting: bool = False
    brought: "Brought | None" = None


@dataclass(frozen=True)
class Brought:
    """Numbers that came another way than in a message: [kind, problem] of each, and the kept ones by kind."""

    numbers: list[list[str]]
    items: dict[Secret, VaultItem]


@dataclass
class Room:
    """What a step works with. ``said`` is what it answers; ``over`` ends the asking."""

    session: AsyncSession
    conversation: Conversation
    talk: SubsidyTalk
    catalogue: Catalogue
    desk: Desk
    vault: Vault
    said: list[Said] = field(default_factory=list)
    over: bool = False

    def say(self, name: str, /, **values: object) -> None:
        self.said.append(self.desk.sentences.say(name, **values))

    def name(self, name: str, /, **values: object) -> str:
        return self.desk.sentences.say(f"utter_name_subsidy_{name}", **values).text

    @property
    def who(self) -> str:
        return self.name(f"who_{self.talk.about}")

    def know(self, facts: dict[str, Value]) -> None:
        """Take facts in; JSON columns are replaced, never changed in place."""
        self.talk.facts = self.talk.facts | facts
        self.talk.skipped = [key for key in self.talk.skipped if key not in facts]

    @property
    def asking(self) -> Fact | None:
        key = next_fact(self.catalogue, self.talk.facts, skipped=self.talk.skipped, kinds=self.talk.kinds)
        return self.catalogue.facts[key] if key else None

    @property
    def advice(self) -> Advice:
        return advise(self.catalogue, self.talk.facts, self.talk.kinds)


def button(title: str, choice: str, says: str = "") -> dict[str, str]:
    """A button of this talk; ``says``: words that mean the same."""
    found = {"title": title, "payload": f'/subsidy_choice{{"subsidy_choice":"{choice}"}}'}
    return found | {"says": says} if says else found


async def newest(session: AsyncSession, conversation: Conversation) -> SubsidyTalk | None:
    """The talk that goes on in a conversation."""
    return await session.scalar(
        select(SubsidyTalk)
        .where(SubsidyTalk.conversation_id == conversation.id)
        .order_by(SubsidyTalk.updated_at.desc(), SubsidyTalk.id.desc())
        .limit(1)
    )


async def room_of(
    session: AsyncSession, conversation: Conversation, *, about: str | None, desk: Desk, vault: Vault
) -> tuple[Room, bool]:
    """(the room of the talk about ``about``, whether it is new); None: the newest, else about the resident."""
    if about is None:
        talk = await newest(session, conversation)
    else:
        talk = await session.scalar(
            select(SubsidyTalk).where(SubsidyTalk.conversation_id == conversation.id, SubsidyTalk.about == about)
        )
    new = talk is None
    if talk is None:
        catalogue_id, _ = await service.in_force(session)
        talk = SubsidyTalk(
            conversation_id=conversation.id,
            about=about or "self",
            catalogue_id=catalogue_id,
            facts={},
            skipped=[],
            kinds=[],
            stage=ASK,
            draft={},
            updated_at=desk.now,
        )
        session.add(talk)
        await session.flush()
    if talk.stage in (ASK, RESULT) and not new:  # nothing has been begun under the old version
        talk.catalogue_id, catalogue = await service.in_force(session)
        talk.facts = {k: v for k, v in talk.facts.items() if k in catalogue.facts and reading.possible(catalogue.facts[k], v)}
        talk.kinds = [kind for kind in talk.kinds if kind in catalogue.kinds]
    return Room(session, conversation, talk, await service.by_id(session, talk.catalogue_id), desk, vault), new


async def begin(room: Room, heard: Heard, *, new: bool) -> bool:
    """The resident speaks of subsidies with nothing being asked: begin, or go on where it was left."""
    talk = room.talk
    if any(word in heard.text for word in AGAIN):
        talk.facts, talk.skipped, talk.kinds, talk.stage, talk.draft = {}, [], [], ASK, {}
        return True
    found = reading.read(room.catalogue, heard.text)
    if talk.stage not in (ASK, RESULT):
        room.say("utter_subsidy_resumed", who=room.who)
        return True
    if not new and not found.facts and not found.kinds and talk.stage == ASK and talk.facts:
        room.say("utter_subsidy_resumed", who=room.who)
    room.know(found.facts)
    if found.kinds or not new:
        talk.kinds = found.kinds or ([] if found.about else talk.kinds)
    talk.stage = ASK
    if talk.facts and new:
        known = "、".join(_known(room))
        room.say("utter_subsidy_known", who=room.who, known=known)
    return True


def listen(room: Room, heard: Heard) -> bool:
    if any(word in heard.text for word in AGAIN):
        room.talk.facts, room.talk.skipped, room.talk.stage = {}, [], ASK
        return True
    fact = room.asking if room.talk.stage == ASK else None
    if (fact is not None and _answer(room, fact, heard.text)) or _by_the_way(room, heard):
        return True
    if heard.intent in ELSEWHERE or heard.media:
        return False
    if room.talk.stage == RESULT and heard.intent == "deny":
        room.say("utter_subsidy_left")
        room.over = True
    else:
        room.say("utter_subsidy_unclear")
    return True


def _answer(room: Room, fact: Fact, text: str) -> bool:
    """Take the text as the answer to what was asked; False when it is none."""
    try:
        value = reading.answer(fact, text)
    except reading.Impossible:
        low, high = reading.say(fact, fact.low), reading.say(fact, fact.high)
        room.say("utter_subsidy_impossible", fact=fact.name, low=low, high=high)
        return True
    if value is not None:
        room.know({fact.key: value})
    elif reading.skipped(text):
        room.talk.skipped = [*room.talk.skipped, fact.key]
    else:
        return False
    return True


def _by_the_way(room: Room, heard: Heard) -> bool:
    """Facts and subsidies that were named without being asked for."""
    found = reading.read(room.catalogue, heard.text)
    if not found.facts and not (found.kinds and heard.intent == "apply_subsidy"):
        return False
    room.know(found.facts)
    room.talk.kinds = found.kinds or room.talk.kinds
    room.talk.stage = ASK
    return True


def go_on(room: Room) -> None:
    """When nothing is left to ask the result is told; where nothing can follow from it the talk is over."""
    if room.talk.stage != ASK or room.over or room.asking is not None:
        return
    room.talk.stage = RESULT
    advice = room.advice
    names = {key: fact.name for key, fact in room.catalogue.facts.items()}
    if advice.fits:
        lines = [
            room.name(
                "fit",
                name=fit.kind.name,
                amount=_amount(fit.text, fit.fen, fit.kind.amounts[fit.case].fen_per),
                basis=fit.kind.basis,
            )
            for fit in advice.fits
        ]
        room.say("utter_subsidy_fits", who=room.who, lines="\n".join(lines))
    else:
        room.say("utter_subsidy_no_fit", who=room.who)
    if advice.open:
        lines = [
            room.name("open", name=one.kind.name, facts="、".join(names[key] for key in one.facts), basis=one.kind.basis)
            for one in advice.open
        ]
        room.say("utter_subsidy_open", lines="\n".join(lines))
    if advice.out:
        why_else = room.name("not_met")
        lines = [
            room.name("out", name=out.kind.name, why="，".join(out.why) or why_else, basis=out.kind.basis) for out in advice.out
        ]
        room.say("utter_subsidy_out", lines="\n".join(lines))


def _amount(text: str, fen: int | None, counted: str | None) -> str:
    return f"{text}，一共 {reading.say_hundredths(fen)} 元" if counted and fen is not None else text


def _known(room: Room) -> list[str]:
    return [
        f"{fact.name}{reading.say(fact, room.talk.facts[key])}"
        for key, fact in room.catalogue.facts.items()
        if key in room.talk.facts
    ]


def answers(room: Room, fact: Fact) -> list[dict[str, str]]:
    """The buttons under a question about a fact."""
    if fact.kind == "yes_no":
        found = [
            button(room.name("yes"), f"fact={fact.key}:true", "是的 对 有 有的 嗯"),
            button(room.name("no"), f"fact={fact.key}:false", "不是的 不是 没有 没 不"),
        ]
    else:
        found = [button(choice.title, f"fact={fact.key}:{choice.value}") for choice in fact.choices]
    found.append(button(room.name("skip"), f"skip={fact.key}", "不知道 不清楚 说不准"))
    if room.talk.facts:
        found.append(button(room.name("show"), "show", "先看看结果 看结果"))
    return found


def offers(room: Room) -> list[dict[str, str]]:
    """The buttons under the result: apply, ask on, ask about everything, stop."""
    advice = room.advice
    found = [button(room.name("apply", name=fit.kind.name), f"apply={fit.kind.code}") for fit in advice.fits[:MOST_BUTTONS]]
    if advice.open:
        found.append(button(room.name("more"), "more", "接着问 继续问 继续"))
    if room.talk.kinds:
        found.append(button(room.name("all"), "all", "看看别的 别的呢 还有别的吗"))
    return [*found, button(room.name("stop"), "stop", "不用了 先不办 不办了 算了 没有了")]
