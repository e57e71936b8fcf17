"""How residents say something about the report that is under way: corrections, names left out, temper, photos to come."""

import re

CORRECTIONS = ("其实", "说错", "搞错", "弄错", "不是", "不对", "错了", "应该是", "改成", "改为", "换成", "更正", "是在", "改到")
INSTEAD = re.compile("改成|改为|改到|换成|更正为")
NOT_BUT = re.compile(r"(不是|不应该是)[^，,。]{1,14}[，,\s]*(而是|应该是|是)")
NOT_THAT = re.compile(r"[，,\s]*(?:而?不是)[^，,。是]{1,10}$")
LEADING_CORRECTION = re.compile(
    r"^(其实(是)?|[说搞弄]错了?|不是|不对|错了|应该是|更正|哦|哎呀?|啊|是(?!不是|否)|[，,。、！!\s])+"
)
INTERJECTION = re.compile(r"^(?:(?:哦|噢|哎呀?|啊|呃|嗯|那个|等等|等一?下|不好意思|对不起|抱歉)[，,。！!\s]*)+")
ABOUT_THE_FORM = re.compile(r"类别|分类|归类|种类|地点|地址|楼号|几号|门牌|照片|署名")
BARE_NUMBER = re.compile(r"[0-9０-９一二三四五六七八九十百]{1,4}")
NAMED = re.compile(r"实名|不用?匿名|(写|留|署)我的?(名|姓名)")
ANONYMOUS = re.compile(r"匿名|不留(名|姓名|电话)|(别|不要|莫)(让人?(家|知道)|说是我|透露|写我)|(名字|姓名).{0,6}不留|替我保密")
DO_NOT_KNOW = re.compile(
    r"不知道|不清楚|不晓得|晓不得|勿晓得|唔知|[说讲]不(清|上|好|准)|[记想]不(得|起)|不记得|忘了|[搞弄]不(清|明)"
)
_LATER = "等会|等一会|等下|晚点|晚上|待会|呆会|回头|稍后|一会|马上|明天"
PHOTO_LATER = re.compile(rf"(照片|图片|相片|拍照).{{0,6}}({_LATER})|({_LATER}).{{0,4}}(发照片|发图|拍照|拍张|补照片|补图)")
QUESTION = re.compile(r"[?？]$|怎么|咋|多久|多少|什么|啥|哪|几点|几天|吗$|么$|能不能|可以不|^谁|是谁")
HOW_LONG = re.compile(
    r"(?:多久|多长时间|(?<!好)几天|多少天)(?:之?内|才)?(?:能|可以|修|办|弄|处理|解决|搞|会|来|呢|啊|呀|[?？]|$)|(?:什么|啥)时候(?:能|可以|修|办|弄)"
)
NOTHING_TO_CHANGE = re.compile(
    r"(?:没有?|不用|不需要|没啥|没什么)(?:什么|啥)?(?:要|需要|好|可)?(?:改|修改|变|改动)?的?(?:了|啦)?[，,。！!\s]*(?:确认|就这样|登记吧?|报吧)?"
)
WRONG_KIND = re.compile(
    r"(?:这个?)?(?:类别|分类|归类|类型|种类)(?:好像|都|也)?(?:不对|错了?|不是这个|[分归选弄搞]错了?|有问题)[了啊呀。！!]*"
)
MATTER_ENDS = re.compile(
    r"(?:又|还|全|都|也|已经|一直)*(?:坏|不亮|堵|漏|断|破|掉下?|裂|塌|锈|满|没人[收管修扫])[了着]?(?:[一两三四五六七八九十几好\d]+[天个多]?(?:天|月|星期)了?)?[。！!]*"
    r"|好?[一两三四五六七八九十几\d]+(?:天|个月|个?星期)(?:都|了)?没人[收管修扫弄清]了?[。！!]*"
)
ONE_MORE_PHOTO = re.compile(r"照片|图片|相片|补[一1两几]?[张个图]|再来[一1]?张|[看就]?这张|现场|[拍照]的")
CLAUSES = re.compile(r"(?<=[?？])|[，,。；;！!\s]+|顺便(?:问一?下|说一?下|问问)?|另外")
TEMPER = re.compile(
    r"破系统|破玩意|什么(破|烂|玩意|东西)|干什么吃的|吃干饭|不作为|管不管|有没有人管|到底管|气死|忍无可忍|[妈娘]的|他妈|tmd"
    r"|投诉你们|糊弄|踢皮球|推来推去|白交|摆设",
    re.IGNORECASE,
)


def without_questions(text: str) -> str:
    """What of a message is told and not asked, "" when all or nothing of it is a question."""
    clauses = [clause for clause in CLAUSES.split(text) if clause and clause.strip()]
    told = [clause for clause in clauses if not QUESTION.search(clause)]
    return "，".join(told) if len(told) < len(clauses) else ""
