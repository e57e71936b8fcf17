"""Which kind of mediation a dispute is given to, and the rungs that it climbs, up to the court."""

import enum
import re
from typing import NamedTuple

from backend.grids.models import Level
from backend.legal.areas import LawArea


class Kind(enum.StrEnum):
    """The five kinds (五调)."""

    PEOPLE = "people"
    ADMINISTRATIVE = "administrative"
    JUDICIAL = "judicial"
    POLICE = "police"
    PROFESSIONAL = "professional"


KIND_NAMES = {
    Kind.PEOPLE: "人民调解",
    Kind.ADMINISTRATIVE: "行政调解",
    Kind.JUDICIAL: "司法调解",
    Kind.POLICE: "公安调解",
    Kind.PROFESSIONAL: "行业专业调解",
}


class Matter(enum.StrEnum):
    """What is quarrelled about."""

    PROPERTY = "property"
    NEIGHBOURS = "neighbours"
    FAMILY = "family"
    DEBT = "debt"
    TENANCY = "tenancy"
    LABOUR = "labour"
    TRAFFIC = "traffic"
    MEDICAL = "medical"
    CONSUMER = "consumer"
    LAND = "land"
    ADMINISTRATIVE = "administrative"
    OTHER = "other"


MATTER_NAMES = {
    Matter.PROPERTY: "物业纠纷",
    Matter.NEIGHBOURS: "邻里纠纷",
    Matter.FAMILY: "婚姻家庭纠纷",
    Matter.DEBT: "借贷纠纷",
    Matter.TENANCY: "租房纠纷",
    Matter.LABOUR: "劳动纠纷",
    Matter.TRAFFIC: "交通事故赔偿纠纷",
    Matter.MEDICAL: "医疗纠纷",
    Matter.CONSUMER: "消费纠纷",
    Matter.LAND: "土地纠纷",
    Matter.ADMINISTRATIVE: "行政争议",
    Matter.OTHER: "其他纠纷",
}

# Traffic and medical committees: 人民调解法 article 34 and 医疗纠纷预防和处理条例 article 32; labour: 劳动争议调解仲裁法
# article 10. Consumers: 消费者权益保护法 article 46; land: 土地管理法 article 14; administrative: 行政复议法 article 5.
KINDS = {
    Matter.LABOUR: Kind.PROFESSIONAL,
    Matter.TRAFFIC: Kind.PROFESSIONAL,
    Matter.MEDICAL: Kind.PROFESSIONAL,
    Matter.CONSUMER: Kind.ADMINISTRATIVE,
    Matter.LAND: Kind.ADMINISTRATIVE,
    Matter.ADMINISTRATIVE: Kind.ADMINISTRATIVE,
}
BY_LAW_AREA = {
    LawArea.LABOUR: Matter.LABOUR,
    LawArea.WORK_INJURY: Matter.LABOUR,
    LawArea.FAMILY: Matter.FAMILY,
    LawArea.INHERITANCE: Matter.FAMILY,
    LawArea.DEBT: Matter.DEBT,
    LawArea.TENANCY: Matter.TENANCY,
    LawArea.TRAFFIC: Matter.TRAFFIC,
    LawArea.NEIGHBOURS: Matter.NEIGHBOURS,
    LawArea.CONSUMER: Matter.CONSUMER,
    LawArea.LAND: Matter.LAND,
    LawArea.ADMINISTRATIVE: Matter.ADMINISTRATIVE,
}
BY_ITEM = {
    "property": Matter.PROPERTY,
    "neighbour": Matter.NEIGHBOURS,
    "leak": Matter.NEIGHBOURS,
    "land": Matter.LAND,
    "wage": Matter.LABOUR,
}
# The item whose handler in the duty matrix is the department that mediates.
ITEMS = {Matter.PROPERTY: "property", Matter.LAND: "land", Matter.CONSUMER: "market", Matter.LABOUR: "wage"}
# Crimes and violence are not settled by talking: 反家庭暴力法 article 15, 治安管理处罚法 article 9.
NEVER = {LawArea.DOMESTIC_VIOLENCE: "violence", LawArea.CRIMINAL: "crime", LawArea.FRAUD: "crime"}

_PROPERTY = re.compile(r"物业(?!的?(?:邻居|租客))|业委会|物管|公共收益|维修基金|维修资金")
_MEDICAL = re.compile(r"医疗事故|误诊|医闹|医患|手术(?:失败|出了)|(?:医院|医生)[^，。！？]{0,8}(?:责任|赔|治坏|弄错)")
_NEIGHBOURS = re.compile(r"邻居|隔壁|楼上|楼下|对门|邻里")
_LAND = re.compile(r"宅基地|承包地|田埂|地界|山林|林地")
_COURT = re.compile(r"(?:已经?|刚)(?:经)?(?:起诉|立案|告到法院|上法院)|法院[^，。！？]{0,6}(?:立案|受理|收了)|诉前调解")
_POLICE = re.compile(
    r"(?:派出所|民警|警察|公安)[^，。！？]{0,8}(?:来过|出警|调解|处理|登记)|报(?:过|了)警|打(?:起来|了一架|架)|动了?手"
)


class Rung(NamedTuple):
    """One step of a ladder: whose desk has it, by what kind of mediation, and how a resident calls it."""

    level: Level | None
    kind: Kind | None
    name: str


COURT = Rung(None, None, "法院")
_PEOPLE = (Rung(Level.COMMUNITY, Kind.PEOPLE, "社区"), Rung(Level.STREET, Kind.PEOPLE, "街道"))


class Route(enum.StrEnum):
    """A ladder's name: that of property disputes, and one for each kind."""

    PROPERTY = "property"
    PEOPLE = "people"
    ADMINISTRATIVE = "administrative"
    JUDICIAL = "judicial"
    POLICE = "police"
    PROFESSIONAL = "professional"


LADDERS: dict[Route, tuple[Rung, ...]] = {
    Route.PROPERTY: (*_PEOPLE, Rung(Level.DISTRICT, Kind.ADMINISTRATIVE, "住建部门"), COURT),
    Route.PEOPLE: (*_PEOPLE, Rung(Level.DISTRICT, Kind.PEOPLE, "区调解中心"), COURT),
    Route.POLICE: (Rung(Level.STREET, Kind.POLICE, "派出所"), Rung(Level.DISTRICT, Kind.PEOPLE, "区调解中心"), COURT),
    Route.ADMINISTRATIVE: (Rung(Level.DISTRICT, Kind.ADMINISTRATIVE, "区主管部门"), COURT),
    Route.PROFESSIONAL: (Rung(Level.DISTRICT, Kind.PROFESSIONAL, "专业调委会"), COURT),
    Route.JUDICIAL: (Rung(Level.DISTRICT, Kind.JUDICIAL, "法院诉前调解"), COURT),
}


def matter_of(text: str, area: LawArea) -> Matter:
    """What the dispute is about: by plain words where they are certain, else by the area of law."""
    for words, matter in ((_PROPERTY, Matter.PROPERTY), (_MEDICAL, Matter.MEDICAL), (_LAND, Matter.LAND)):
        if words.search(text):
            return matter
    matter = BY_LAW_AREA.get(area, Matter.OTHER)
    return Matter.NEIGHBOURS if matter is Matter.OTHER and _NEIGHBOURS.search(text) else matter


def kind_of(text: str, matter: Matter) -> Kind:
    """The kind by rule: a court or the police that have it already, else by what it is about, else 人民调解."""
    if _COURT.search(text):
        return Kind.JUDICIAL
    if _POLICE.search(text):
        return Kind.POLICE
    return KINDS.get(matter, Kind.PEOPLE)


def route_of(matter: Matter, kind: Kind) -> Route:
    """The ladder: property disputes have their own where they are given to 人民调解."""
    return Route.PROPERTY if matter is Matter.PROPERTY and kind is Kind.PEOPLE else Route(kind.value)


def said(route: Route, step: int | None = None) -> str:
    """The ladder in words: 社区→街道→住建部门→法院, the present rung in 【】."""
    names = [f"【{rung.name}】" if number == step else rung.name for number, rung in enumerate(LADDERS[route])]
    return "→".join(names)
