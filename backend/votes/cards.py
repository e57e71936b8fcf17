"""What residents see of a vote: the card with its buttons, the list, and the news of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from backend.localtime import say_moment
from backend.votes import service
from backend.votes.booth import Booth
from backend.votes.models import Vote, VoteMatch, VoteState, VoteUnit
from backend.votes.rules import ABSTAIN, Kind, Outcome
from wording import Said

OUTCOMES = {
    Outcome.PASSED: "utter_vote_passed",
    Outcome.REJECTED: "utter_vote_rejected",
    Outcome.NO_QUORUM: "utter_vote_no_quorum",
    Outcome.TIE: "utter_vote_tie",
    Outcome.CHOSEN: "utter_vote_chosen",
    Outcome.NOTED: "utter_vote_noted",
}
SAYS = {"yes": "赞成 投同意 我同意 支持", "no": "不同意 投反对 我反对", ABSTAIN: "投弃权 我弃权"}


def _until(moment: datetime, booth: Booth) -> str:
    return say_moment(moment, now=booth.now, zone=booth.zone)


def payload(vote: Vote, unit: VoteUnit, choice: str) -> str:
    """What a ballot's button carries; the door seals the choice before it is written anywhere."""
    return f'/cast_ballot{{"vote":"{vote.number}","unit":"{unit.id}","choice":"{choice}"}}'


def ballot(vote: Vote, unit: VoteUnit, *, booth: Booth, voted: bool) -> Said:
    """The card of a vote for one unit. A pressed button is the ballot; for several options their numbers are typed."""
    names = booth.sentences.say
    buttons = [
        {"title": title, "payload": payload(vote, unit, option)} | ({"says": SAYS[option]} if option in SAYS else {})
        for option, title in service.titles_of(vote).items()
    ]
    how = ""
    if vote.kind in (Kind.SEVERAL, Kind.APPROVAL):
        most = vote.most if vote.kind is Kind.SEVERAL else len(vote.options)
        how = names("utter_name_vote_several", most=most).text
    lines = "" if vote.kind is Kind.DECISION else "".join(f"\n{o['id']}. {o['title']}" for o in vote.options)
    said = names(
        "utter_vote_card",
        title=vote.title,
        question=vote.question[:600] + lines,
        unit=unit.code,
        until=_until(vote.ends_at, booth),
        secrecy=names("utter_name_vote_public" if vote.public else "utter_name_vote_secret").text,
        how=how,
        voted=names("utter_name_vote_voted").text if voted else "",
        paper=names("utter_name_vote_paper", desk=vote.paper_desk).text if vote.paper_desk else "",
    )
    return Said(said.text, buttons)


async def _votes_of(session: AsyncSession, resident_id: int, *conditions: ColumnElement[bool]) -> list[Vote]:
    """The votes of the communities and bases for which the resident is matched; whether they are in it is asked per vote."""
    rows = await session.scalars(
        select(Vote)
        .join(VoteMatch, (VoteMatch.area_code == Vote.area_code) & (VoteMatch.basis == Vote.basis))
        .where(
            VoteMatch.resident_id == resident_id,
            VoteMatch.ended_at.is_(None),
            VoteMatch.vote_id.is_(None) | (VoteMatch.vote_id == Vote.id),
            *conditions,
        )
        .order_by(Vote.ends_at, Vote.id)
    )
    return list(dict.fromkeys(rows))


async def open_for(session: AsyncSession, resident_id: int, *, booth: Booth) -> list[tuple[Vote, VoteUnit]]:
    """The votes that are open now for this resident, with the unit; those that end first come first."""
    votes = await _votes_of(
        session, resident_id, Vote.state == VoteState.OPEN, Vote.starts_at <= booth.now, Vote.ends_at > booth.now
    )
    return [(vote, unit) for vote in votes for unit in await service.units_for(session, vote, resident_id)]


async def recent_for(session: AsyncSession, resident_id: int, *, limit: int = 3) -> list[Vote]:
    """The last votes that are over and in which the resident was asked, newest first."""
    votes = await _votes_of(session, resident_id, Vote.state.in_((VoteState.ENDED, VoteState.DECIDED)))
    found: list[Vote] = []
    for vote in reversed(votes):
        if len(found) < limit and await service.units_for(session, vote, resident_id):
            found.append(vote)
    return found


def news(vote: Vote, *, booth: Booth) -> Said:
    """One push: what has become of the vote."""
    say = booth.sentences.say
    match vote.state:
        case VoteState.CANCELLED:
            return say("utter_vote_cancelled", title=vote.title, number=vote.number, reason=vote.reason)
        case VoteState.ENDED:
            return say("utter_vote_ended", title=vote.title, number=vote.number)
        case VoteState.DECIDED:
            return say("utter_vote_result", **result_values(vote, booth=booth))
        case _:
            return say("utter_vote_extended", title=vote.title, number=vote.number, until=_until(vote.ends_at, booth))


def result_values(vote: Vote, *, booth: Booth) -> dict[str, Any]:
    """What the result's sentence is filled with; numbers only, and the seal."""
    titles, result = service.titles_of(vote), vote.result
    winners = "、".join(titles[option] for option in result["winners"])
    outcome = booth.sentences.say(OUTCOMES[Outcome(result["outcome"])], winners=winners).text
    weighted = service.rule_of(vote).by_area
    counts = "，".join(
        f"{title} {result['counts'][option]['number']} 票"
        + (f"（{square_metres(result['counts'][option]['area'])} 平方米）" if weighted else "")
        for option, title in titles.items()
    )
    return {
        "title": vote.title,
        "number": vote.number,
        "outcome": outcome,
        "counts": counts,
        "turnout": result["turnout"]["number"],
        "electorate": vote.electorate_number,
        "seal": vote.seal,
    }


def square_metres(area: int) -> str:
    """cm² as m², exactly: 893700 is 89.37."""
    whole, rest = divmod(area, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
