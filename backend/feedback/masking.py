"""Takes out of a text what could tell whose it is. Masks too much rather than too little: the rest still teaches."""

import re

NUMERALS = "零〇一二三四五六七八九十百两幺壹贰叁肆伍陆柒捌玖拾"
SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹"
    "熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢路岳齐梅莫庄辛管祝左涂"
    "祁时耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫屈鲍位覃霍翁隋甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边净阴佘丛岑娄"
)
TITLES = "先生|女士|小姐|师傅|阿姨|大爷|大妈|大叔|大伯|老师|医生|主任|书记|经理|奶奶|爷爷|叔叔|同志|婶|嫂|哥|姐"
NOBODY = "时|程序|车|房|高层|龙虾|石[子头块]|单[元位]|方法|关系|康(?:社会|村|生活)|于[0-9]"  # after 老 and 小
NAMES = [
    (
        re.compile(
            r"((?:我叫|名字叫|名叫|名字是|姓名是|姓名|联系人|户主)[:：是为]?\s*)"
            r"(?!人|你|他|她|它|了|过|不|救护|物业|什么|啥)[㐀-鿿]{2,3}(?:·[㐀-鿿]+)?"
        ),
        r"\1某某",
    ),
    (re.compile(r"(?<!百)姓(?!名|什么|啥|氏|某)[㐀-鿿]"), "姓某"),
    (re.compile(rf"(?:欧阳|上官|司马|诸葛|[{SURNAMES}])(?={TITLES})"), "某"),
    (re.compile(rf"(?<=[老小])(?!{NOBODY})[{SURNAMES}](?![㐀-鿿]?(?:路|街|区|镇|村|桥|门|巷))"), "某"),
]
ROOMS = [
    (re.compile(rf"(单元|[楼栋幢座])\s*(?:\d{{3,4}}(?!\d|[年月个元号天])|[{NUMERALS}]{{3,4}}(?=室|户))(?:[室户])?"), r"\1"),
    (re.compile(rf"(?<!\d)(?:\d{{3,4}}|[{NUMERALS}]{{3,4}})室"), "某室"),
]
MASKS = [
    (re.compile(r"[\w.+-]+@[\w.-]+|https?://[!-~]+", re.ASCII), "某"),
    (re.compile(r"((?:微信|wx|qq)号?(?:是|[:：])?\s*)[a-z][\w-]{4,}", re.IGNORECASE | re.ASCII), r"\1某"),
    (re.compile(r"\d"), "0"),
    (re.compile(rf"[{NUMERALS}]{{5,}}"), "某"),
    (re.compile(rf"[{NUMERALS}]+(?=号|栋|幢|座|单元|楼|室|户|弄|门)"), "某"),
    (re.compile(r"[a-z](?=座|栋|幢|区\b|单元)", re.IGNORECASE), "某"),
    *NAMES,
]


def masked(text: str) -> str:
    """The text on one line, in which each digit is 0, and names after 我叫, 姓, 联系人 and before titles, spelled-out
    numbers of houses and phones, addresses of mail and web, and account names are replaced by 某.
    """
    text = " ".join(text.split())
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


def without_names(text: str) -> str:
    """The text as it is, in which names after 我叫, 姓, 联系人 and before titles are replaced by 某."""
    for pattern, mask in NAMES:
        text = pattern.sub(mask, text)
    return text


def for_neighbours(text: str) -> str:
    """The text as those may read it who only joined: without names, and without the number of anybody's room."""
    text = without_names(text)
    for pattern, mask in ROOMS:
        text = pattern.sub(mask, text)
    return text
