"""The areas of law, which one a question is about, and which questions cannot wait for a volunteer."""

import csv
import enum
import re
from pathlib import Path

from backend.triage import shipped
from backend.triage.model import Model

EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "triage" / "legal.csv"
# Below this the area is left open: "other", which every volunteer sees. docs/legal.md has the measured table.
KNOWN = 0.25


class LawArea(enum.StrEnum):
    LABOUR = "labour"
    FAMILY = "family"
    INHERITANCE = "inheritance"
    DEBT = "debt"
    TENANCY = "tenancy"
    TRAFFIC = "traffic"
    WORK_INJURY = "work_injury"
    NEIGHBOURS = "neighbours"
    CONSUMER = "consumer"
    FRAUD = "fraud"
    DOMESTIC_VIOLENCE = "domestic_violence"
    LAND = "land"
    ADMINISTRATIVE = "administrative"
    CRIMINAL = "criminal"
    OTHER = "other"


AREA_NAMES = {
    LawArea.LABOUR: "劳动用工",
    LawArea.FAMILY: "婚姻家庭",
    LawArea.INHERITANCE: "继承",
    LawArea.DEBT: "借贷债务",
    LawArea.TENANCY: "房屋租赁",
    LawArea.TRAFFIC: "交通事故",
    LawArea.WORK_INJURY: "工伤",
    LawArea.NEIGHBOURS: "相邻与物业",
    LawArea.CONSUMER: "消费维权",
    LawArea.FRAUD: "诈骗",
    LawArea.DOMESTIC_VIOLENCE: "家庭暴力",
    LawArea.LAND: "土地与征收",
    LawArea.ADMINISTRATIVE: "行政处罚与复议",
    LawArea.CRIMINAL: "刑事",
    LawArea.OTHER: "其他",
}


class Urgency(enum.StrEnum):
    """Why a question cannot wait; each has a sentence with its hotline: response ``utter_legal_urgent_<value>``."""

    VIOLENCE = "violence"
    DETENTION = "detention"
    DEADLINE = "deadline"


_VIOLENCE = re.compile(
    r"家暴|家庭暴力|保护令|告诫书|"
    r"(?:老公|丈夫|男人|男友|男朋友|对象|前夫|前任|老婆|妻子|婆婆|公公|婆家人?|继父|后爸|爸爸?|父亲|儿子|女婿|他|她|家里人)"
    r"[^，。！？；\n]{0,12}(?:打[我她他孩娃人妈弟妹]|动手|殴打|毒打|拳打脚踢|扇[我她他]|掐[我她他]|踹[我她他]|抽[我她他弟妹孩]|"
    r"揪[^，。！？；\n]{0,4}头发|砍|拿刀|往死里|关在|不让[我她]?出门)|"
    r"被(?:老公|丈夫|男人|男友|男朋友|对象|前夫|老婆|婆家|婆婆|公公|继父|儿子)[^，。！？；\n]{0,6}(?:打|揍|掐|踹|扇|关|推下)|挨打|打我和孩子"
)
_DETENTION = re.compile(
    r"刑拘|拘留(?![^，。！？；\n]{0,10}(?:影响|案底|政审))|拘役|铐|看守所|逮捕|批捕|取保|羁押|被抓|抓走|抓进去|抓起来|关起来|关进去|"
    r"(?:派出所|警察|公安|民警)[^，。！？；\n]{0,8}(?:带走|抓|扣着?人|拘|传唤)"
)
# A day that is near, beside something that ends or begins on it; limits of law said as "几天内" are questions, not dates.
_NEAR = r"(?:今天|明天|后天|这两天|这几天|马上|快要?|就要|只剩|还剩|就剩|最后|[这本下]周|[这下]个?星期|这个?月|月底)"
_DATED = r"(?:开庭|上诉|起诉期|时效|举证|答辩|复议|复核|到期|过期|期限|截止|仲裁|执行|拍卖|腾房|听证)"
_DEADLINE = re.compile(
    rf"{_NEAR}[^，。！？；\n]{{0,12}}{_DATED}|{_DATED}[^，。！？；\n]{{0,10}}{_NEAR}|"
    r"(?:时效|上诉期|起诉期|复议期)[^，。！？；\n]{0,8}下个?月|今天(?:已经|都|就)?是?第[\d一二三四五六七八九十]+天|"
    r"(?:认定|申请|仲裁|起诉|时效|复议)[^，。！？；\n]{0,8}快满|快满[\d一两二三]+(?:年|个月)[^。！？\n]{0,8}还(?:能|可以)|"
    r"(?:来得?及|还赶得上|赶不上)(?:吗|么|不|上诉|起诉|复议|仲裁)|要过(?:期|时效)"
)
_URGENT = ((Urgency.VIOLENCE, _VIOLENCE), (Urgency.DETENTION, _DETENTION), (Urgency.DEADLINE, _DEADLINE))


def urgency(text: str) -> Urgency | None:
    """Why ``text`` cannot wait, the gravest first; None when it can."""
    return next((kind for kind, words in _URGENT if words.search(text)), None)


class AreaClassifier:
    """Tells the area of law from a question's words."""

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, path: Path) -> "AreaClassifier":
        """The model at ``path``; trained there on our examples when it is missing or older than they are."""
        with EXAMPLES.open(encoding="utf-8", newline="") as file:
            return cls(shipped.load(path, [(row["text"], row["area"]) for row in csv.DictReader(file)]))

    def area(self, text: str) -> LawArea:
        """The likeliest area, OTHER where none is likely."""
        label, probability = self.model.rank((text,))[0]
        return LawArea(label) if probability >= KNOWN else LawArea.OTHER
