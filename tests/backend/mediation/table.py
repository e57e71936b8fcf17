"""Where parties sit down: the legal desk's town with mediators and rooms, and residents who quarrel."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backend.catalogue.models import Department, Duty, HandlerKind, Item
from backend.house import DESK
from backend.mediation import clerk, desks, sittings
from backend.mediation.ladder import Kind, Matter
from backend.mediation.models import Mediation, MediationParty, MediationRoom, Mediator, Sitting
from backend.staff.models import Role, Staff
from backend.staff.scope import scope_of
from tests.backend.legal.desk import LegalDesk

QUARREL = "楼上邻居家漏水，把我家天花板泡坏了，他不肯赔"
PROPERTY = "物业公司乱收停车费，业主要求公开账目，物业一直拖着不理"
MEDIATORS = [
    ("folk", "钱桂兰", "百姓说事员", Kind.PEOPLE, None, "GH"),
    ("staff", "尤维安", "社区专职调解员", Kind.PEOPLE, None, "GH"),
    ("gold", "褚国梁", "金牌调解员", Kind.PEOPLE, None, "CD"),
    ("police", "周一帆", "派出所民警", Kind.POLICE, None, "CD"),
    ("centre", "华爱珍", "区调解中心调解员", Kind.PEOPLE, None, "HL"),
    ("housing", "陈致远", "住建局物业调解员", Kind.ADMINISTRATIVE, Matter.PROPERTY, "HL"),
    ("traffic", "薛玉珍", "交通事故调委会调解员", Kind.PROFESSIONAL, Matter.TRAFFIC, "HL"),
    ("labour", "严浩然", "劳动争议调解员", Kind.PROFESSIONAL, Matter.LABOUR, "HL"),
    ("judge", "费长根", "退休法官", Kind.JUDICIAL, None, "HL"),
    ("far", "贺巧云", "百姓说事员", Kind.PEOPLE, None, "JP"),
]
ROOMS = [
    ("gh", "宫涵社区百姓说事室", "迎春东路2号", "GH"),
    ("cd", "城东街道调解室", "鼓楼路8号", "CD"),
    ("jp", "界牌", "界牌1号", "JP"),
]


@dataclass
class Table:
    desk: LegalDesk

    @property
    def database(self) -> Any:
        return self.desk.database

    @property
    def clock(self) -> Any:
        return self.desk.town.clock

    async def asks(self, who: str = "r1", text: str = QUARREL, *, area: str = "GH1", **more: Any) -> dict[str, Any]:
        """Ask for mediation; returns the card."""
        status, card = await self.desk.resident(who, "POST", "/mediations", {"text": text, "area_code": area, **more})
        assert status == 201, card
        return card

    async def does(self, who: str, number: str, step: str, **body: Any) -> tuple[int, Any]:
        return await self.desk.resident(who, "POST", f"/mediations/{number}/{step}", body)

    async def code(self, who: str, code: str, *, agree: bool | None = None) -> tuple[int, Any]:
        return await self.desk.resident(who, "POST", "/mediations/codes", {"code": code, "agree": agree})

    async def joined(self, number: str, *, applicant: str = "r1", other: str = "r2") -> None:
        code = (await self.does(applicant, number, "invitation"))[1]["code"]
        assert (await self.code(other, code, agree=True))[0] == 200

    async def staff(self, username: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A call of the staff API, its answer checked against the OpenAPI document."""
        token = await self.desk.town.token(username)
        return await self.desk.town.api(method, f"/api/v1/mediations{path}", token=token, json=body)

    async def heard(self, who: str = "r1") -> list[str]:
        return [message.text for message in await self.desk.heard(who)]

    async def clerk(self) -> int:
        return await clerk.run_once(self.database, self.desk.internal.app[DESK])  # type: ignore[union-attr]

    async def mediation(self, number: str) -> Mediation:
        async with self.database.read() as session:
            return (await session.scalars(select(Mediation).where(Mediation.number == number))).one()

    async def sittings(self, number: str) -> list[Sitting]:
        async with self.database.read() as session:
            query = select(Sitting).join(Mediation, Mediation.id == Sitting.mediation_id).where(Mediation.number == number)
            return list(await session.scalars(query.order_by(Sitting.id)))

    async def parties(self, number: str) -> dict[str, MediationParty]:
        async with self.database.read() as session:
            query = select(MediationParty).join(Mediation, Mediation.id == MediationParty.mediation_id)
            return {party.side.value: party for party in await session.scalars(query.where(Mediation.number == number))}

    async def chosen(self, number: str, code: str = "folk", *, who: str = "r1") -> int:
        """The resident chooses the mediator of that code; the answer's status."""
        async with self.database.read() as session:
            mediator = await session.scalar(select(Mediator.id).where(Mediator.code == code))
        return (await self.does(who, number, "mediator", mediator=mediator))[0]

    def until(self, moment: datetime) -> None:
        """Let time pass until ``moment``."""
        self.clock.advance(seconds=(moment - self.clock.now()).total_seconds())

    def at(self, days: int = 3, hour: int = 9, minute: int = 0) -> datetime:
        """A local time, some days from now."""
        zone = ZoneInfo("Asia/Shanghai")
        day = self.clock.now().astimezone(zone) + timedelta(days=days)
        return day.replace(hour=hour, minute=minute, second=0, microsecond=0)

    async def book(
        self, number: str, at: datetime, *, who: str = "community", room: str = "gh", minutes: int = 60
    ) -> tuple[int, Any]:
        body = {"room": room, "starts_at": at.isoformat(), "minutes": minutes}
        return await self.staff(who, "POST", f"/{number}/sitting", body)

    async def held(self, number: str, *, who: str = "community") -> None:
        """A sitting that took place, written up."""
        assert (await self.book(number, self.at(2), who=who))[0] == 200
        self.clock.advance(days=3)
        status, answer = await self.staff(who, "POST", f"/{number}/minutes", {"minutes": "双方都到了，谈了一个小时。"})
        assert status == 200, answer

    async def booked_at_once(self, numbers: list[str], at: datetime) -> list[str]:
        """What becomes of booking each of the mediations at the same time, each in a transaction of its own."""

        async def book(number: str) -> str:
            try:
                async with self.database.write() as session:
                    desk = await self.desk.internal.app[DESK](session)  # type: ignore[union-attr]
                    staff = (await session.scalars(select(Staff).where(Staff.username == "community"))).one()
                    scope = await scope_of(session, staff)
                    mediation = await desks.by_number(session, scope, number, acting=True)
                    await sittings.book(session, scope, mediation, room_code="gh", starts_at=at, minutes=60, desk=desk)
            except sittings.Taken as error:
                return error.code
            return "booked"

        return await asyncio.gather(*(book(number) for number in numbers))


async def laid(desk: LegalDesk) -> Table:
    async with desk.database.write() as session:
        session.add_all(
            [
                Mediator(code=code, name=name, title=title, kind=kind, matter=matter, area_code=area)
                for code, name, title, kind, matter, area in MEDIATORS
            ]
        )
        session.add_all([MediationRoom(code=code, name=name, address=at, area_code=area) for code, name, at, area in ROOMS])
        session.add(Department(code="ZJ", name="住房和城乡建设局"))
        session.add(Item(code="property", category="物业与房屋", name="物业服务", due_hours=24))
        await session.flush()
        session.add(Duty(item_code="property", area_code="LL", handler=HandlerKind.DEPARTMENT, department_code="ZJ"))
        session.add(Staff(username="housing", name="丁宁", role=Role.DEPARTMENT, department_code="ZJ"))
    return Table(desk)
