"""The door of the record: a ballot is sealed before the message that carries it is stored, a receipt is filled in after.

So the transcript never holds what was voted, nor the receipt; what it holds is a sealed ballot and a placeholder.
"""

import json
import re
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.conversations import service as conversations
from backend.conversations.models import Conversation, MessageKind
from backend.conversations.typed import LOOK_BACK, button_meant, questions
from backend.errors import LinlitongError
from backend.vault.models import Secret
from backend.vault.numbers import judge
from backend.vault.service import Vault
from backend.votes import box, matching, service
from backend.votes.booth import Booth, BoothFactory
from backend.votes.matching import CODE_LENGTH
from backend.votes.models import Vote
from backend.votes.rules import Kind

CAST = "/cast_ballot"
CODE = "/use_vote_code"
TITLE = "utter_name_vote_ballot"
PLACEHOLDER = re.compile(r"【(TP-\d{6})/(\d{1,18})】")
_SLIP = re.compile(r"(?:我的)?(?:投票码|代投码|码)?(?:是)?[:：\s]*([A-Za-z2-9][A-Za-z2-9\s-]{8,14}[A-Za-z2-9])[。.]?")
_NUMBERS = re.compile(r"(?:我?选|投)?\s*(\d{1,2}(?:\s*[,，、和 ]\s*\d{1,2})*)\s*(?:号|项)?[。.]?")


def placeholder(number: str, unit_id: int) -> str:
    """What stands in the record where the resident reads a receipt."""
    return f"【{number}/{unit_id}】"


def slip_in(text: str) -> str | None:
    """A slip's code, when the text is one and nothing else: ten of the letters, at least one of them a digit."""
    found = _SLIP.fullmatch(text.strip())
    code = box.bare(found[1]) if found else ""
    mixed = any(letter.isdigit() for letter in code) and any(letter.isalpha() for letter in code)
    whole = found is not None and len(re.sub(r"[\s-]", "", found[1])) == CODE_LENGTH
    return code if mixed and whole and len(code) == CODE_LENGTH else None


class Door:
    """Seals what comes in and fills in what goes out. Holds the keys of a few ballots at a time, in memory."""

    def __init__(self, booth_of: BoothFactory, vault: Vault) -> None:
        self._booth_of, self._vault = booth_of, vault
        self._envelopes: dict[int, box.Envelope] = {}

    async def seal(self, session: AsyncSession, inbound: conversations.Inbound) -> conversations.Inbound:
        """The message with its ballot sealed: a pressed button of a ballot, or words that say one. Others are unchanged."""
        booth = self._booth_of()
        if inbound.kind is MessageKind.BUTTON and inbound.text.startswith(CAST):
            said = _read(inbound.text)
        elif inbound.kind is MessageKind.TEXT and inbound.text.strip():
            if code := slip_in(inbound.text):
                return replace(inbound, kind=MessageKind.BUTTON, text=f'{CODE}{{"code":"{code}"}}', title=inbound.text.strip())
            said = await self._typed(session, inbound)
        else:
            return inbound
        if said is None:
            return inbound
        sealed = await self._sealed(session, said, booth)
        fields = {"vote": str(said.get("vote", "")), "unit": str(said.get("unit", "")), "ballot": sealed}
        text = f"{CAST}{json.dumps(fields, ensure_ascii=True)}"
        return replace(inbound, kind=MessageKind.BUTTON, text=text, title=booth.sentences.say(TITLE).text)

    async def _typed(self, session: AsyncSession, inbound: conversations.Inbound) -> dict[str, object] | None:
        """What was typed, where the last question was a ballot and the words answer it; None for anything else."""
        conversation = await conversations.find(session, channel=inbound.channel, address=inbound.address)
        if conversation is None:
            return None
        asked = await questions(session, conversation.id, before=conversation.last_sequence + 1, back=LOOK_BACK)
        buttons = [button for button in asked[0].buttons if button["payload"].startswith(CAST)] if asked else []
        if not buttons:
            return None
        button = button_meant(inbound.text, buttons)
        if button is not None:
            return _read(button["payload"])
        said = _read(buttons[0]["payload"])
        numbers = _NUMBERS.fullmatch(inbound.text.strip())
        if said is None or numbers is None:
            return None
        vote = await session.scalar(select(Vote).where(Vote.number == str(said.get("vote"))))
        if vote is None or vote.kind is Kind.DECISION:
            return None
        return said | {"choice": ",".join(re.findall(r"\d+", numbers[1]))}

    async def _sealed(self, session: AsyncSession, said: dict[str, object], booth: Booth) -> str:
        """The sealed ballot in letters; empty when it cannot be one, and then nothing of the choice is kept."""
        vote = await session.scalar(select(Vote).where(Vote.number == str(said.get("vote", ""))))
        unit = str(said.get("unit", ""))
        choice = tuple(part for part in str(said.get("choice", "")).split(",") if part)
        if vote is None or vote.public_key is None or not unit.isdecimal() or len(unit) > 18:
            return ""
        try:
            service.check_open(vote, booth=booth)
        except LinlitongError:
            return ""
        if not service.question_of(vote).allows(choice):
            return ""
        envelope = self._envelopes.get(vote.id)
        if envelope is None or not envelope.good:
            self._envelopes = {key: held for key, held in self._envelopes.items() if held.good}
            envelope = self._envelopes[vote.id] = box.new_envelope(vote.public_key)
        slot = booth.places.slot(vote.number, int(unit))
        return service.pack(envelope, box.seal(envelope, choice, service.width_of(vote), vote=vote.number, slot=slot))

    async def vouch(self, session: AsyncSession, conversation: Conversation, phone: str) -> None:
        """Match whoever has this number to the units of open votes that have it too. The number itself is not kept."""
        booth = self._booth_of()
        known = judge(phone.strip().removeprefix("+"), today=booth.now.astimezone(booth.zone).date())
        if known is not None and known.kind is Secret.PHONE and known.value is not None:
            await matching.match_by_phone(session, conversation, self._vault.hash(Secret.PHONE, known.value), booth=booth)

    async def unveil(self, session: AsyncSession, text: str) -> str:
        """The text with its receipts filled in: those of the ballots as they lie now; none once the box is open."""
        booth = self._booth_of()
        for number, unit_id in set(PLACEHOLDER.findall(text)):
            vote = await session.scalar(select(Vote).where(Vote.number == number))
            receipt = await service.receipt_of(session, vote, int(unit_id), booth=booth) if vote else None
            shown = "-".join(receipt[start : start + 4] for start in range(0, len(receipt), 4)) if receipt else None
            gone = booth.sentences.say("utter_name_vote_receipt_gone").text
            text = text.replace(placeholder(number, int(unit_id)), shown or gone)
        return text


def _read(payload: str) -> dict[str, object] | None:
    try:
        said = json.loads(payload.removeprefix(CAST) or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
