"""Proposing and answering: the person who holds a conversation proposes, the resident's word alone files."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backend.catalogue.models import Item
from backend.conversations.models import Conversation, Holder, Message, MessageKind, TurnState
from backend.conversations.service import OPEN, Accepted, end_turn
from backend.conversations.typed import press
from backend.db import lock, wake
from backend.errors import BadInput, Conflict, LinlitongError, NotFound
from backend.events import service as events
from backend.events import views
from backend.events.models import Event
from backend.events.service import Desk, Report
from backend.grids.models import Area, Level
from backend.outbox import service as outbox
from backend.proposals import drafting
from backend.proposals.drafting import Draft
from backend.proposals.models import Proposal, ProposalKind, ProposalState
from backend.staff import notices
from backend.staff.models import Staff
from backend.staff.scope import Scope
from backend.subsidies import dialogue as subsidies
from backend.subsidies import service as catalogue
from backend.subsidies.models import SubsidyApplication
from backend.subsidies.talk import Heard
from backend.vault.service import Vault
from backend.votes import cards
from backend.votes import service as votes
from backend.votes.booth import Booth, BoothFactory
from backend.votes.door import CAST, placeholder
from wording import Said

State = ProposalState
PRESSED = re.compile(r'/proposal\{"proposal": "(?P<id>\d{1,18})", "answer": "(?P<answer>yes|edit|no|sign|join|apart)"\}')
CHOICE = re.compile(r'/subsidy_choice\{"subsidy_choice": ?"(?P<choice>[^"]{1,64})"\}')
ADDRESS_LIMIT = 200
SHOWN = 20


@dataclass(frozen=True)
class Wanted:
    """A report as the person has put it together."""

    matter: str
    area_code: str
    address: str = ""
    item_code: str | None = None
    photos: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Ears:
    """What hearing a resident's answer needs besides the session."""

    desk_of: Callable[[AsyncSession], Awaitable[Desk]]
    booth_of: BoothFactory
    vault: Vault


async def _held(session: AsyncSession, conversation: Conversation, scope: Scope) -> None:
    """Raises Conflict unless the asker holds the conversation."""
    await lock(session, conversation)
    if conversation.holder is not Holder.STAFF or conversation.staff_id != scope.staff_id:
        raise Conflict("请先接待这段对话，再帮居民办。", code="not_holder")


async def propose_events(
    session: AsyncSession,
    conversation: Conversation,
    scope: Scope,
    drafts: list[Draft],
    wanted: list[Wanted],
    *,
    also: bool = False,
    desk: Desk,
) -> list[Proposal]:
    """Show the resident reports to confirm, one after the other as each is answered. Those that were open are taken back,
    unless these are ``also`` wanted: then they come behind. ``drafts`` is what was read in their words.

    Raises Conflict unless the asker holds the conversation, BadInput where something is missing or wrong.
    """
    await _held(session, conversation, scope)
    if not wanted:
        raise BadInput("请写清楚是什么事。", fields=["matter"])
    contents = [await _content(session, drafts, one) for one in wanted]
    if not also:
        await session.execute(
            update(Proposal)
            .where(Proposal.conversation_id == conversation.id, Proposal.state.in_((State.OPEN, State.QUEUED)))
            .values(state=State.WITHDRAWN, answered_at=desk.now)
        )
    proposals = [_new(conversation, scope, ProposalKind.EVENT, State.QUEUED, content=one, desk=desk) for one in contents]
    session.add_all(proposals)
    await session.flush()
    if len(proposals) > 1:
        said = desk.sentences.say("utter_proposal_several", name=scope.name, count=len(proposals))
        await outbox.say(session, conversation, now=desk.now, text=said.text)
    await _show_next(session, conversation, desk=desk)
    return proposals


async def _content(session: AsyncSession, drafts: list[Draft], wanted: Wanted) -> dict[str, Any]:
    """What is to be filed, checked. Raises BadInput."""
    matter, address = wanted.matter.strip(), wanted.address.strip()[:ADDRESS_LIMIT]
    if not matter:
        raise BadInput("请写清楚是什么事。", fields=["matter"])
    area = await session.get(Area, wanted.area_code)
    if area is None or area.level not in (Level.GRID, Level.COMMUNITY, Level.STREET):
        raise BadInput("请从列表里选一个网格；说不准就选社区。", fields=["area_code"])
    item = await session.get(Item, wanted.item_code) if wanted.item_code else None
    if wanted.item_code and (item is None or not item.admitted):
        raise BadInput("这类事项不在受理范围内。", fields=["item_code"])
    if not set(wanted.photos) <= {key for draft in drafts for key in draft.photos}:
        raise BadInput("只能用居民在这段对话里发来的照片。", fields=["photos"])
    there = [draft for draft in drafts if draft.area_code == wanted.area_code]
    read = next((draft for draft in there if draft.address == address), there[0] if there else Draft())
    return {
        "matter": matter[:4000],
        "area_code": area.code,
        "address": address or area.name,
        "item_code": item.code if item else None,
        "place": read.parts,
        "photos": wanted.photos,
        "anonymous": False,
        "unplaced": area.level is not Level.GRID,
        "latitude": read.latitude,
        "longitude": read.longitude,
    }


async def _show_next(session: AsyncSession, conversation: Conversation, *, desk: Desk, after_another: bool = False) -> None:
    """Show the next report that is queued, unless one is open."""
    rows = await session.scalars(
        select(Proposal)
        .where(Proposal.conversation_id == conversation.id, Proposal.state.in_((State.OPEN, State.QUEUED)))
        .order_by(Proposal.id)
    )
    waiting = list(rows)
    if not waiting or any(one.state is State.OPEN for one in waiting):
        return
    if after_another:
        said = desk.sentences.say("utter_next_matter")
        await outbox.say(session, conversation, now=desk.now, text=said.text)
    waiting[0].state = State.OPEN
    await _show(session, conversation, waiting[0], desk=desk)


def _new(conversation: Conversation, scope: Scope, kind: ProposalKind, state: State, *, desk: Desk, **values: Any) -> Proposal:
    return Proposal(
        conversation_id=conversation.id, staff_id=scope.staff_id, kind=kind, state=state, created_at=desk.now, **values
    )


async def summary(session: AsyncSession, proposal: Proposal, *, desk: Desk) -> Said:
    """The summary as the assistant puts it before a report is filed, with the buttons of this proposal."""
    say, content = desk.sentences.say, proposal.content
    area = await session.get_one(Area, content["area_code"])
    grid = area.name
    if area.level is Level.COMMUNITY:
        grid = say("utter_name_community_desk", community=area.name).text
    elif area.level is Level.STREET:
        grid = say("utter_name_street_desk", street=area.name).text
    item = await session.get(Item, content["item_code"]) if content["item_code"] else None
    photos, anonymous = len(content["photos"]), content["anonymous"]
    told = say(
        "utter_ask_confirmation",
        matter=content["matter"],
        place=content["address"],
        grid=grid,
        item=item.name if item else say("utter_name_item_unknown").text,
        photos=say("utter_name_photo_count", count=photos).text if photos else say("utter_name_none").text,
        signed=say("utter_name_anonymous" if anonymous else "utter_name_named").text,
        toggle="",
    )
    staff = await session.get_one(Staff, proposal.staff_id)
    toggle = say("utter_name_toggle_named" if anonymous else "utter_name_toggle_anonymous").text
    return say("utter_proposal_event", name=staff.name, summary=told.text, id=proposal.id, toggle=toggle)


async def neighbour(session: AsyncSession, content: dict[str, Any], *, resident_id: int, desk: Desk) -> Event | None:
    """The open event of the same item in the same grid, of the last days, that a report may be about, the resident's own too;
    None once the resident has said that theirs is another.
    """
    if content.get("apart") or content["unplaced"] or not content["item_code"]:
        return None
    found = await events.similar(
        session,
        area_code=content["area_code"],
        item_code=content["item_code"],
        building=content["place"].get("building"),
        resident_id=resident_id,
        desk=desk,
    )
    return found[0] if found else None


async def _show(session: AsyncSession, conversation: Conversation, proposal: Proposal, *, desk: Desk, **more: Any) -> None:
    """Ask whether it is what a neighbour has reported, else show the summary."""
    resident_id = conversation.resident_id
    event = await neighbour(session, proposal.content, resident_id=resident_id, desk=desk)
    if event is None:
        said = await summary(session, proposal, desk=desk)
    else:
        proposal.content = proposal.content | {"neighbour": event.number}
        card = await views.card(session, event, resident_id=resident_id, desk=desk)
        staff = await session.get_one(Staff, proposal.staff_id)
        said = desk.sentences.say(
            "utter_proposal_own_event" if event.reporter_id == resident_id else "utter_proposal_neighbour",
            name=staff.name,
            matter=proposal.content["matter"],
            id=proposal.id,
            state=card["state_name"],
            **{name: card[name] for name in ("number", "title", "address", "created")},
        )
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons, **more)


async def propose_subsidy(
    session: AsyncSession, conversation: Conversation, scope: Scope, code: str, *, desk: Desk, vault: Vault
) -> Proposal:
    """Begin the talk about a subsidy in the chat: what the resident answers while the person holds it is taken by the talk,
    and so is the confirmation of its summary. Raises Conflict, BadInput for a subsidy that is not there.
    """
    await _held(session, conversation, scope)
    _, known = await catalogue.in_force(session)
    kind = known.kinds.get(code)
    if kind is None:
        raise BadInput("请从列表里选一种补贴。", fields=["target"])
    await session.execute(
        update(Proposal)
        .where(
            Proposal.conversation_id == conversation.id,
            Proposal.kind == ProposalKind.SUBSIDY,
            Proposal.state == State.SENT,
        )
        .values(state=State.WITHDRAWN, answered_at=desk.now)
    )
    proposal = _new(conversation, scope, ProposalKind.SUBSIDY, State.SENT, target=code, desk=desk)
    session.add(proposal)
    said = desk.sentences.say("utter_proposal_subsidy", name=scope.name, kind=kind.name)
    await outbox.say(session, conversation, now=desk.now, text=said.text)
    words = "\n".join(message.text for message in await drafting.said(session, conversation, now=desk.now))
    begun = await subsidies.begin_kind(session, conversation, code, words=words, desk=desk, vault=vault)
    for reply in [*begun["replies"], await _question(session, conversation, desk=desk, vault=vault)]:
        await outbox.say(session, conversation, now=desk.now, text=reply["text"], buttons=reply["buttons"])
    return proposal


async def _question(session: AsyncSession, conversation: Conversation, *, desk: Desk, vault: Vault) -> dict[str, Any]:
    said = await subsidies.question(session, conversation, desk=desk, vault=vault)
    return {"text": said.text, "buttons": said.buttons}


async def propose_vote(
    session: AsyncSession, conversation: Conversation, scope: Scope, number: str, *, desk: Desk, booth: Booth
) -> Proposal:
    """Show the resident the cards of an open vote that they may vote in. Raises Conflict, BadInput for any other vote."""
    await _held(session, conversation, scope)
    found = await cards.open_for(session, conversation.resident_id, booth=booth)
    mine = [(vote, unit) for vote, unit in found if vote.number == number]
    if not mine:
        raise BadInput("这位居民不在这次投票的名单里，或者投票没有在进行。", fields=["target"])
    proposal = _new(conversation, scope, ProposalKind.VOTE, State.SENT, target=number, desk=desk)
    session.add(proposal)
    said = desk.sentences.say("utter_proposal_vote", name=scope.name)
    await outbox.say(session, conversation, now=desk.now, text=said.text)
    for vote, unit in mine:
        voted = await votes.has_voted(session, vote, unit.id, booth=booth)
        card = cards.ballot(vote, unit, booth=booth, voted=voted)
        await outbox.say(session, conversation, now=desk.now, text=card.text, buttons=card.buttons)
    return proposal


async def withdraw(session: AsyncSession, conversation: Conversation, scope: Scope, proposal_id: int, *, desk: Desk) -> None:
    """Take back what the resident has not answered yet; they are told. Raises NotFound, Conflict."""
    await _held(session, conversation, scope)
    proposal = await session.get(Proposal, proposal_id)
    if proposal is None or proposal.conversation_id != conversation.id:
        raise NotFound("没有这张单子。")
    if proposal.state not in (State.OPEN, State.QUEUED):
        raise Conflict("居民已经回过话了，收不回来了。", code="answered")
    shown = proposal.state is State.OPEN
    proposal.state, proposal.answered_at = State.WITHDRAWN, desk.now
    if shown:
        said = desk.sentences.say("utter_proposal_withdrawn", name=scope.name)
        await outbox.say(session, conversation, now=desk.now, text=said.text)
        await _show_next(session, conversation, desk=desk, after_another=True)


async def listed(session: AsyncSession, conversation: Conversation) -> list[Proposal]:
    """The conversation's proposals, newest first. That of an application bears its number once it is filed."""
    rows = await session.scalars(
        select(Proposal).where(Proposal.conversation_id == conversation.id).order_by(Proposal.id.desc()).limit(SHOWN)
    )
    return list(rows)


async def application_of(session: AsyncSession, proposal: Proposal) -> SubsidyApplication | None:
    """The application that came of a proposal, if one did."""
    if proposal.kind is not ProposalKind.SUBSIDY:
        return None
    return await session.scalar(
        select(SubsidyApplication)
        .where(
            SubsidyApplication.conversation_id == proposal.conversation_id,
            SubsidyApplication.kind == proposal.target,
            SubsidyApplication.created_at >= proposal.created_at,
        )
        .order_by(SubsidyApplication.id)
        .limit(1)
    )


async def hear(session: AsyncSession, accepted: Accepted, ears: Ears) -> None:
    """What a resident's message means to a proposal: the word on a summary at any time; and, while a person holds the
    conversation, a ballot and what answers the talk about a subsidy. Everything else is left to whom it is meant for.
    """
    message, conversation = accepted.message, accepted.conversation
    if accepted.repeat or message.turn_state not in (*OPEN, TurnState.WITH_STAFF):
        return
    held = conversation.holder is Holder.STAFF
    payload: str | None = message.text if message.kind is MessageKind.BUTTON else None
    if message.kind is MessageKind.TEXT:
        sentences, waiting = ears.booth_of().sentences, conversation.holder is Holder.WAITING
        payload = await press(session, message, sentences=sentences, waiting=waiting)
    if found := PRESSED.fullmatch(payload or ""):
        end_turn(message, TurnState.DONE)
        await _answer(session, conversation, message, int(found["id"]), found["answer"], desk=await ears.desk_of(session))
    elif held and message.kind is MessageKind.BUTTON and message.text.startswith(CAST):
        end_turn(message, TurnState.DONE)
        await _cast(session, conversation, message, desk=await ears.desk_of(session), booth=ears.booth_of())
    elif held:
        await _talk(session, conversation, message, payload, ears)


async def _answer(
    session: AsyncSession, conversation: Conversation, message: Message, proposal_id: int, answer: str, *, desk: Desk
) -> None:
    proposal = await session.get(Proposal, proposal_id)
    say = desk.sentences.say
    if proposal is None or proposal.conversation_id != conversation.id or proposal.state is not State.OPEN:
        said = say("utter_proposal_gone")
    elif answer in ("sign", "apart") or (answer == "yes" and await _is_new(session, conversation, proposal, desk=desk)):
        change = {"sign": {"anonymous": not proposal.content["anonymous"]}, "apart": {"apart": True}}.get(answer, {})
        proposal.content = proposal.content | change
        await _show(session, conversation, proposal, desk=desk, in_reply_to=message.id)
        return
    else:
        said = await _decide(session, conversation, message, proposal, answer, desk=desk)
    await outbox.say(session, conversation, now=desk.now, text=said.text, in_reply_to=message.id)
    await _show_next(session, conversation, desk=desk, after_another=True)


async def _is_new(session: AsyncSession, conversation: Conversation, proposal: Proposal, *, desk: Desk) -> bool:
    """Whether a neighbour has reported it since the summary was shown, so that the resident has to be asked first."""
    return await neighbour(session, proposal.content, resident_id=conversation.resident_id, desk=desk) is not None


async def _decide(
    session: AsyncSession, conversation: Conversation, message: Message, proposal: Proposal, answer: str, *, desk: Desk
) -> Said:
    """File, change or drop the proposal; who proposed is told. Returns what the resident is told."""
    say = desk.sentences.say
    staff = await session.get_one(Staff, proposal.staff_id)
    proposal.answered_at = desk.now
    if answer == "no":
        proposal.state, said, news = State.DECLINED, say("utter_proposal_declined"), "居民不报了：您拟的单子没有登记"
    elif answer == "edit":
        proposal.state, said, news = State.CHANGED, say("utter_proposal_edit", name=staff.name), "居民要改您拟的单子"
    elif answer == "join":
        said, news = await _join(session, conversation, proposal, desk=desk)
    else:
        content = {key: value for key, value in proposal.content.items() if key not in ("neighbour", "apart")}
        report = Report(content.pop("matter"), content.pop("area_code"), content.pop("address"), **content)
        try:
            async with session.begin_nested():
                event = await events.file_event(session, report, desk=desk, conversation=conversation, message_id=message.id)
        except LinlitongError as refused:
            proposal.state, proposal.reason = State.FAILED, refused.sentence[:200]
            said, news = say("utter_not_possible", reason=refused.sentence), f"您拟的单子没能登记：{refused.sentence}"
        else:
            proposal.state, proposal.number = State.CONFIRMED, event.number
            said, news = say("utter_report_filed", number=event.number), f"居民确认了您拟的单子，编号 {event.number}"
    notices.tell(session, staff.id, news, now=desk.now, conversation_id=conversation.id, wakes=True)
    wake(session, "console")
    return said


async def _join(session: AsyncSession, conversation: Conversation, proposal: Proposal, *, desk: Desk) -> tuple[Said, str]:
    """附议 instead of a second event; one of the resident's own just goes on. Returns what they are told, and the news."""
    say, number = desk.sentences.say, proposal.content.get("neighbour", "")
    try:
        async with session.begin_nested():
            event = await events.join(session, number, conversation=conversation, desk=desk)
    except LinlitongError as refused:
        proposal.state, proposal.reason = State.FAILED, refused.sentence[:200]
        return say("utter_not_possible", reason=refused.sentence), f"居民没能附议：{refused.sentence}"
    proposal.state, proposal.number = State.JOINED, number
    if event.reporter_id == conversation.resident_id:
        return say("utter_own_event_goes_on", number=number), f"居民说就是原来报的那件，编号 {number}，没有另报"
    state = views.STATE_NAMES[event.state]
    return say("utter_joined", number=number, state=state), f"居民附议了邻居报的那件，编号 {number}，没有另报"


async def _cast(session: AsyncSession, conversation: Conversation, message: Message, *, desk: Desk, booth: Booth) -> None:
    """The door has sealed the ballot before; see votes/door.py."""
    say = desk.sentences.say
    try:
        fields = json.loads(message.text.removeprefix(CAST))
        number, unit, ballot = str(fields["vote"]), int(fields["unit"]), str(fields["ballot"])
    except (ValueError, KeyError, TypeError):
        return
    try:
        async with session.begin_nested():
            changed = await votes.cast(
                session, number, unit_id=unit, resident_id=conversation.resident_id, ballot=ballot, booth=booth
            )
    except LinlitongError as refused:
        said = say("utter_not_possible", reason=refused.sentence)
    else:
        vote = await votes.by_number(session, number)
        response = "utter_vote_changed" if changed else "utter_vote_cast"
        said = say(response, title=vote.title, receipt=placeholder(number, unit), number=number, unit=unit)
    await outbox.say(session, conversation, now=desk.now, text=said.text, buttons=said.buttons, in_reply_to=message.id)


async def _talk(session: AsyncSession, conversation: Conversation, message: Message, payload: str | None, ears: Ears) -> None:
    """Let the talk about the subsidy take the message if it answers what is asked; the person reads it all the same."""
    open_one = await session.scalar(
        select(Proposal)
        .where(
            Proposal.conversation_id == conversation.id,
            Proposal.kind == ProposalKind.SUBSIDY,
            Proposal.state == State.SENT,
        )
        .order_by(Proposal.id.desc())
        .limit(1)
    )
    if open_one is None:
        return
    desk = await ears.desk_of(session)
    choice = CHOICE.fullmatch(payload or "")
    if message.kind is MessageKind.BUTTON and choice is None:
        return
    media = message.payload.get("media") or []
    heard = Heard(
        text="" if choice else message.text,
        intent="out_of_scope",  # so that only what answers the question is taken
        choice=choice["choice"] if choice else "",
        media=media,
        message_id=message.id,
    )
    told = await subsidies.hear(session, conversation, heard, desk=desk, vault=ears.vault)
    if not told["taken"]:
        return
    replies = (
        told["replies"]
        if told["over"]
        else [*told["replies"], await _question(session, conversation, desk=desk, vault=ears.vault)]
    )
    for reply in replies:
        await outbox.say(
            session, conversation, now=desk.now, text=reply["text"], buttons=reply["buttons"], in_reply_to=message.id
        )
    if told["over"]:
        filed = await application_of(session, open_one)
        open_one.answered_at = desk.now
        open_one.state, open_one.number = (State.CONFIRMED, filed.number) if filed else (State.DECLINED, "")
        news = f"居民交了申请，编号 {filed.number}" if filed else "居民这次不申请补贴了"
        notices.tell(session, open_one.staff_id, news, now=desk.now, conversation_id=conversation.id, wakes=True)
        wake(session, "console")


async def subsidies_offered(session: AsyncSession) -> list[tuple[str, str]]:
    """(code, name) of every subsidy in force; empty where there is no catalogue."""
    try:
        _, known = await catalogue.in_force(session)
    except LinlitongError:
        return []
    return [(code, kind.name) for code, kind in known.kinds.items()]


async def votes_offered(session: AsyncSession, conversation: Conversation, *, booth: Booth) -> list[tuple[str, str]]:
    """(number, title) of the open votes that the conversation's resident may vote in."""
    found = await cards.open_for(session, conversation.resident_id, booth=booth)
    return list(dict.fromkeys((vote.number, vote.title) for vote, _ in found))
