"""Conversations as tables of (what the resident says, what they must be told), through ``linlitong chat``."""

from pathlib import Path

import pytest
from PIL import Image

from tests.support.system import System, texts

SUMMARY = "没问题就按“确认”"
LEGAL_SUMMARY = "没问题就交给志愿律师"

CONVERSATIONS: dict[str, list[tuple[str, list[str]]]] = {
    "one message with matter and place needs only the confirmation": [
        ("高港区刁铺街道界牌社区2号楼的下水道堵了，污水冒出来了", ["刁铺街道界牌社区2号楼", "排水堵塞与积水", SUMMARY]),
        ("确认", ["登记好了，编号 "]),
    ],
    "what is missing is asked for, one thing at a time": [
        ("我要报事", ["是什么事"]),
        ("电梯坏了，停在那儿不动", ["在哪儿呢"]),
        ("富江新苑8号楼", ["富江新苑社区8号楼", "电梯故障", SUMMARY]),
    ],
    "a place that nobody knows is asked for again, in other words": [
        ("楼道里全是垃圾", ["在哪儿呢"]),
        ("就我们家楼下", ["这个地方我没对上"]),
        ("就那儿呀", ["还是没对上"]),
    ],
    "a correction in plain words": [
        ("国泰民安社区1号楼垃圾没人收", ["国泰民安社区1号楼", SUMMARY]),
        ("不是1号楼，是2号楼", ["国泰民安社区2号楼", SUMMARY]),
    ],
    "the same again at another place, told at the summary, is asked about: it is another report": [
        ("国泰民安社区21号楼垃圾没人收", ["国泰民安社区21号楼", SUMMARY]),
        ("国泰民安社区22号楼垃圾也没人收", ["22号楼的垃圾也没人收", "另外再报一件"]),
        ("另报一件", ["等这件报完接着办", "地点：", "21号楼垃圾没人收", SUMMARY]),
        ("确认", ["登记好了，编号 ", "22号楼", SUMMARY]),
        ("确认", ["登记好了，编号 "]),
    ],
    "the same again at another place, told at the summary, is asked about: the place was wrong": [
        ("国泰民安社区23号楼路灯不亮", [SUMMARY]),
        ("国泰民安社区24号楼路灯不亮", ["另外再报一件"]),
        ("改这件的地方", ["事情：国泰民安社区24号楼路灯不亮", SUMMARY]),
    ],
    "how long it will take, asked at the summary, is of this report": [
        ("国泰民安社区25号楼下水道堵了", [SUMMARY]),
        ("到底几天能弄好？", ["排水堵塞与积水", "小时", SUMMARY]),
        ("我是外地户口 能不能报", ["不看户口", SUMMARY]),
    ],
    "how long it takes is no further matter": [
        ("国泰民安社区26号楼电梯卡在四楼", [SUMMARY]),
        ("要多久能修好", ["电梯故障", "小时", SUMMARY]),
        ("确认", ["登记好了，编号 "]),
    ],
    "nothing to change after all, and the wrong kind": [
        ("国泰民安社区27号楼外墙瓷砖掉下来了", [SUMMARY]),
        ("修改", ["要改哪里"]),
        ("没有要改的 确认", ["外墙瓷砖掉下来了", SUMMARY]),
        ("类别不对", ["该算哪一类"]),
        ("是路灯坏了", ["外墙瓷砖掉下来了", "类别：路灯故障", SUMMARY]),
    ],
    "a matter in pieces is put together": [
        ("楼道灯", ["在哪儿呢"]),
        ("坏了", ["在哪儿呢"]),
        ("国泰民安社区28号楼", ["楼道灯坏了", SUMMARY]),
    ],
    "a question beside the report does not swallow it": [
        ("国泰民安社区29号楼广场舞太吵 另外谁是我的网格员", ["的网格员是", "广场舞太吵", SUMMARY]),
    ],
    "a yes in many words takes the kind that was offered first": [
        ("单位门前人行道破损严重，存在安全隐患，恳请贵单位予以修缮。地址：国泰民安社区1号楼东侧。", ["哪一类"]),
        ("确认无误，请予登记", ["类别：道路破损", SUMMARY]),
    ],
    "whoever cannot read, type or walk is answered, and the report goes on": [
        ("路灯不亮", ["在哪儿呢"]),
        ("我不识字 打不来", ["拍张照片、发个位置就能报", "在哪儿呢"]),
        ("能不能上门", ["可以请网格员上门", "在哪儿呢"]),
        ("字太小了看不见", ["“大字”"]),
    ],
    "a question in the middle is answered, and the report goes on": [
        ("垃圾堆成山了没人管", ["在哪儿呢"]),
        ("你们几点上班", ["8:30", "17:30", "在哪儿呢"]),
        ("月安社区1号楼", ["月安社区1号楼", SUMMARY]),
    ],
    "算了 leaves it cleanly": [
        ("宫涵社区6号楼路灯不亮", [SUMMARY]),
        ("算了", ["这件没有登记"]),
        ("确认", ["您想办哪件事"]),
    ],
    "a report that was left is taken up again": [
        ("宫涵社区7号楼路灯不亮", [SUMMARY]),
        ("取消", ["这件没有登记"]),
        ("还是报吧", ["7号楼路灯不亮", SUMMARY]),
        ("照片等会儿发", ["照片随时发给我", SUMMARY]),
    ],
    "anonymous in plain words": [
        ("宫涵社区10号楼有人群租，隔了好多间", ["实名", SUMMARY]),
        ("匿名", ["署名：匿名", SUMMARY]),
    ],
    "danger comes first, in the middle of a report too": [
        ("有人乱倒建筑垃圾", ["在哪儿呢"]),
        ("着火了！楼上着火了快来人", ["119", "要我同时登记下来"]),
        ("不用了", ["在哪儿呢"]),
    ],
    "a threat of self-harm brings the hotline and a person": [
        ("我不想活了", ["12356", "我已经请工作人员赶紧过来"]),
        ("转人工", ["已经在帮您找人了"]),
    ],
    "a person at any moment, and the report asks nothing more until it is spoken of": [
        ("界牌社区1号楼路灯坏了", [SUMMARY]),
        ("转人工", ["界牌社区第一网格值班台"]),
    ],
    "whoever cannot say where is helped, not lectured": [
        ("路灯坏了", ["在哪儿呢"]),
        ("哎呀我也说不清楚", ["这个地方我没对上"]),
        ("不知道什么社区", ["还是没对上"]),
    ],
    "a correction of the matter takes the first one's place": [
        ("宫涵社区11号楼路灯坏了", ["路灯故障", SUMMARY]),
        ("不对，是门口的井盖没了，不是路灯", ["事情：门口的井盖没了", "井盖缺损", SUMMARY]),
    ],
    "a place on another continent": [
        ("[location 40.7,-74.0]", ["不在本市"]),
    ],
    "smoke from a kitchen is no fire, and a wish to sue is no report": [
        ("饭店油烟太大了，呛得人受不了", ["在哪儿呢"]),
        ("算了", ["没有登记"]),
        ("楼上天天漏水到我家，物业推来推去不管，我该找谁打官司", [LEGAL_SUMMARY]),
    ],
    "a place alone after words of danger is where the danger is": [
        ("着火了！！3号楼冒黑烟", ["119", "要我同时登记下来"]),
        ("宫涵社区3号楼", ["着火了", "城东街道宫涵社区3号楼", SUMMARY]),
    ],
    "where the danger is, in a sentence that sounds like a report": [
        ("公园里有人打架 动刀子了！", ["110", "要我同时登记下来"]),
        ("南苑街道国泰民安社区6号楼门口", ["打架", "国泰民安社区6号楼"]),
    ],
    "yes to a choice of kinds means the first": [
        ("国泰民安社区有人养鸡，一大早就叫", ["具体在什么位置"]),
        ("12号楼", ["这件事算哪一类"]),
        ("没错", ["国泰民安社区12号楼", SUMMARY]),
    ],
    "what is about nothing is not refused as something": [
        ("我要找人工", ["值班台"]),
        ("没人吗", ["已经在帮您找人"]),
        ("你能做什么", ["报事、查进度"]),
    ],
    "each of two matters has its own place": [
        ("富江新苑10号楼路灯坏了，另外月安社区4号楼下水道堵了", ["您说了 2 件事", "富江新苑社区10号楼", SUMMARY]),
        ("确认", ["再看下一件", "月安社区4号楼", "排水堵塞与积水"]),
    ],
    "a place at the end is no second matter": [
        ("俺村那个桥栏杆断了半截 赤坑村二组", ["赤坑村", SUMMARY]),
    ],
    "匿名 said twice stays anonymous": [
        ("宫涵社区12号楼有人群租", [SUMMARY]),
        ("可以匿名吗", ["署名：匿名"]),
        ("匿名", ["署名：匿名"]),
        ("还是实名吧", ["署名：实名"]),
    ],
    "danger in the middle of a report, and where it is": [
        ("宫涵社区13号楼路灯坏了", [SUMMARY]),
        ("哎呀楼上着火了", ["119", "要我同时登记下来"]),
        ("宫涵社区14号楼", ["楼上着火了", "宫涵社区14号楼", SUMMARY]),
        ("确认", ["加急", "再看下一件", "13号楼"]),
    ],
    "yes to the offer passes the danger on": [
        ("着火了", ["119"]),
        ("确认", ["在哪儿呢"]),
        ("国泰民安社区7号楼", ["着火了", SUMMARY]),
    ],
    "somebody else's life and one's own": [
        ("有人要跳楼，在宫涵社区5号楼楼顶", ["110", "别刺激"]),
        ("我活着没意思", ["12356", "陪您说说话"]),
    ],
    "a word about the form is no matter": [
        ("国泰民安社区8号楼楼下狗叫，吵死了", [SUMMARY]),
        ("类别不对", ["该算哪一类"]),
        ("不是狗叫，是垃圾没人收", ["垃圾清运", SUMMARY]),
    ],
    "who knows no place chooses a street": [
        ("路灯不亮了，一个礼拜了", ["在哪儿呢"]),
        ("不知道", ["没对上"]),
        ("就那边", ["先选个街道"]),
        ("城东街道", ["具体在什么位置"]),
        ("说不上来", ["东街道", SUMMARY]),
    ],
    "a bare number answers what is to be changed": [
        ("国泰民安社区3号楼垃圾没人收", [SUMMARY]),
        ("楼号不对", ["要改哪里"]),
        ("6", ["国泰民安社区6号楼", SUMMARY]),
    ],
    "a place alone begins a report": [
        ("富江新苑9号楼", ["富江新苑社区9号楼", "什么事"]),
        ("楼顶漏水，都滴到家里了", ["富江新苑社区9号楼", SUMMARY]),
    ],
    "who is my grid member, by the place that is said next": [
        ("我的网格员是谁", ["您住哪个社区"]),
        ("宫涵社区3号楼", ["第一网格的网格员是", "电话"]),
    ],
    "a number alone asks how that event is": [
        ("1234-5678", ["没有查到 1234-5678"]),
    ],
    "off the list is refused with the right channel": [
        ("炒股亏了十几万，你们帮我要回来", ["12386"]),
    ],
    "a legal question becomes a consult, once": [
        ("老板拖欠我三个月工资，微信上一直说没钱，我该怎么要", ["劳动用工", LEGAL_SUMMARY]),
        ("对了，没签劳动合同", ["微信上一直说没钱", "没签劳动合同", LEGAL_SUMMARY]),
        ("提交给律师", ["交给志愿律师了，编号 "]),
        ("查进度", ["法律咨询：老板拖欠我三个月工资", "等律师接"]),
    ],
    "violence at home gets the hotline with the summary": [
        ("老公前年把我打骨折过，我想起诉离婚怎么弄", ["110", "12338", "家庭暴力", LEGAL_SUMMARY]),
        ("不用了", ["没有提交"]),
    ],
    "a question about the office in the middle of a consult is answered, and the consult goes on": [
        ("房东不退押金，合同到期三个月了怎么办", ["房屋租赁", LEGAL_SUMMARY]),
        ("你们几点上班", ["8:30", LEGAL_SUMMARY]),
        ("补充", ["您接着说"]),
        ("押金是两千块，有收据", ["押金是两千块", LEGAL_SUMMARY]),
        ("算了", ["没有提交"]),
        ("提交给律师", ["这个问题已经不在了"]),
    ],
    "two compounds joined by 和 are two matters, two kinds of dirt at one place are one": [
        ("赤坑村二组垃圾和污水到处都是", ["赤坑村2组", SUMMARY]),
        ("算了", ["没有登记"]),
        ("宫涵小区16号楼垃圾没人收和蔡圩小区3号楼电线裸露", ["您说了 2 件事", "宫涵小区16号楼", "垃圾清运", SUMMARY]),
        ("确认", ["再看下一件", "蔡圩社区蔡圩小区3号楼", "用电用气隐患", SUMMARY]),
    ],
    "the second matter's own building lies in the first one's compound": [
        ("富江新苑12号楼垃圾没人收，还有14号楼电梯老是停", ["您说了 2 件事", "富江新苑社区12号楼", SUMMARY]),
        ("确认", ["再看下一件", "富江新苑社区14号楼", "电梯故障"]),
    ],
    "a building that is not there, and its correction in the words too": [
        ("宫涵小区99号楼楼道灯坏了", ["没查到99号楼", "由社区定网格", SUMMARY]),
        ("不是99号楼是19号楼", ["事情：宫涵小区19号楼", "宫涵社区第四网格", SUMMARY]),
        ("哎呀，其实是井盖没了不是灯", ["事情：井盖没了", "井盖缺损", SUMMARY]),
    ],
    "a pin that contradicts the words, before or after them": [
        ("宫涵小区22号楼井盖没了", ["宫涵小区22号楼", SUMMARY]),
        ("[location 32.482762,119.933447]", ["您说的是", "定位在城东街道宫涵社区第一网格", "以哪个为准"]),
        ("定位", ["地点：城东街道宫涵社区第一网格", SUMMARY]),
        ("算了", ["没有登记"]),
        ("[location 32.482762,119.933447]", ["位置收到了"]),
        ("宫涵小区22号楼路灯不亮", ["以哪个为准"]),
        ("按我说的", ["宫涵小区22号楼", "第四网格", SUMMARY]),
    ],
    "a street that nobody knows is not passed over": [
        ("路灯坏了", ["在哪儿呢"]),
        ("火星路88号", ["没对上"]),
    ],
    "whoever waits is told the place in the queue, and may leave it, in a report and outside": [
        ("转人工", ["值班台"]),
        ("有人吗", ["已经在帮您找人", "前面还有|下一个就是您"]),
        ("算了不用了", ["不找人工了"]),
        ("在吗", ["我是邻里通"]),
        ("宫涵小区12号楼垃圾没人收", [SUMMARY]),
        ("转人工", ["宫涵社区第二网格值班台"]),
        ("人呢怎么还不来", ["已经在帮您找人"]),
        ("不找人工了", ["不找人工了", "宫涵小区12号楼", SUMMARY]),
        ("不用转人工了", ["现在没有在等人工"]),
    ],
    "anger is heard, and is no matter": [
        ("你们什么破系统 垃圾都臭了三天了 宫涵小区25号楼", ["对不住", "宫涵小区25号楼", "垃圾清运", SUMMARY]),
    ],
    "who my grid member is, by a place that sounds like a report": [
        ("谁是我的网格员", ["您住哪个社区"]),
        ("宫涵小区3号楼", ["宫涵社区第一网格的网格员是"]),
        ("我在宫涵社区3号楼", ["这里出了什么事"]),
    ],
    "a question beside a report is answered, and the report begins": [
        ("宫涵小区13号楼电梯坏了，顺便问下身份证丢了怎么补", ["带户口本到派出所", "宫涵小区13号楼", "电梯故障", SUMMARY]),
        ("不对 是15号楼", ["事情：宫涵小区15号楼电梯坏了", "地点：城东街道宫涵社区宫涵小区15号楼", SUMMARY]),
        ("马上登记", ["登记好了，编号 "]),
        ("补充", ["请说要补充的话"]),
        ("按钮也不亮了", ["已补充到编号"]),
    ],
    "a place beside a matter is no matter of its own": [
        ("我家在柴墟花园5号楼 对面烧烤店油烟太大 还占道", ["您说了 2 件事", "烧烤店油烟太大", "柴墟花园5号楼", SUMMARY]),
    ],
    "a teenager's tiredness of life, and a danger that only the model hears": [
        ("我不想上学了 活着好累", ["12356", "陪您说说话"]),
        ("不用了", ["好的"]),
        ("我儿子不在家 我不会用这个", ["您是想|还是没明白"]),
    ],
    "anger with a matter in it begins a report": [
        ("你们到底有没有人管！！垃圾堆了一个礼拜！！！", ["对不住", "在哪儿呢"]),
        ("宫涵小区26号楼！！！", ["宫涵小区26号楼", "垃圾清运", SUMMARY]),
    ],
    "what was filed is put right, in words and with a number for a button": [
        ("双闸街道月安社区月安花园1号楼路灯坏了", [SUMMARY]),
        ("1", ["登记好了，编号 "]),
        ("刚才那个写错了", ["要改哪里"]),
        ("不是1号楼，是2号楼", ["改成这样", "2号楼路灯坏了", "2号楼\n"]),
        ("对的", ["改好了，编号还是 "]),
        ("地址说错了，是3号楼", ["改成这样", "3号楼\n"]),
        ("第三个", ["还按原来登记的办"]),
        ("查进度", ["2号楼"]),
    ],
    "danger in a supplement is answered first and added": [
        ("月安花园5号楼楼道灯坏了", [SUMMARY]),
        ("确认", ["登记好了"]),
        ("补充", ["请说要补充的话"]),
        ("灯那里冒烟着火了", ["119", "已补充到编号", "要我同时登记下来"]),
    ],
    "a pin instead of the words takes their place out of the matter": [
        ("宫涵小区28号楼楼道灯不亮", [SUMMARY]),
        ("[location 32.482762,119.933447]", ["以哪个为准"]),
        ("2", ["事情：楼道灯不亮", "宫涵社区第一网格"]),
    ],
    "deleting one's data ends what was under way": [
        ("路灯坏了", ["在哪儿呢"]),
        ("就在我家这边", ["没对上"]),
        ("删除我的数据", ["确定要删吗"]),
        ("先不删", ["有事您随时跟我说"]),
    ],
    "two matters in one breath": [
        ("富江新苑15号楼楼道灯坏了好几天了晚上黑漆漆的垃圾也没人清都堆到门口了", ["您说了 2 件事", "路灯故障", SUMMARY]),
        ("确认", ["再看下一件", "垃圾清运", "富江新苑社区15号楼"]),
    ],
    "nothing reported yet": [
        ("我的事办得怎么样了", ["还没有上报过"]),
    ],
    "one's own matter twice": [
        ("迎春东路88号的路灯不亮", [SUMMARY]),
        ("确认", ["登记好了，编号 "]),
        ("迎春东路88号路灯还是不亮", ["这次说的是同一件吗"]),
        ("是同一件", ["那件接着办"]),
    ],
    "urging once a day, and withdrawing": [
        ("富江新苑9号楼路灯坏了", [SUMMARY]),
        ("确认", ["登记好了"]),
        ("催一下", ["已经替您催了"]),
        ("催一下", ["今天已经催过一次了"]),
        ("撤回", ["确定撤回"]),
        ("确定撤回", ["已撤回"]),
        ("催办", ["已撤回", "没有正在办的事"]),
    ],
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(system: System, name: str) -> None:
    for number, (said, wanted) in enumerate(CONVERSATIONS[name]):
        heard = "\n".join(texts(system.chat(name, said)))
        for words in wanted:
            assert any(each in heard for each in words.split("|")), f"line {number}: {said!r} was answered {heard!r}"


@pytest.mark.timeout(900)
def test_two_problems_in_one_message_become_two_events(system: System) -> None:
    first = texts(system.chat("two", "宫涵社区2号楼的井盖不见了，另外楼道里的垃圾好几天没人清"))
    assert "2 件事" in first[0]
    assert SUMMARY in first[-1]
    second = texts(system.chat("two", "确认"))
    assert "登记好了" in second[0]
    assert any(SUMMARY in text for text in second)
    assert "登记好了" in texts(system.chat("two", "确认"))[0]


@pytest.mark.timeout(900)
def test_a_photo_alone_starts_a_report_and_gets_a_number(system: System, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (640, 480), "grey").save(photo)
    assert "照片收到了" in texts(system.chat("photo", f"[photo] {photo}"))[0]
    assert "在哪儿呢" in texts(system.chat("photo", "路面塌了一个坑"))[0]
    assert "照片：1 张" in texts(system.chat("photo", "月安社区2号楼门口"))[0]
    assert "登记好了" in texts(system.chat("photo", "确认"))[0]


@pytest.mark.timeout(900)
def test_a_pin_far_away_is_not_ours(system: System) -> None:
    assert "不在本市" in "".join(texts(system.chat("far", "[location 40.71,-74.00]", "路灯坏了")))


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "line",
    [
        "x" * 4096,
        "灯" * 10_000,
        "😀😀😀",
        "\u200b\u200f",
        "\u0000",
        "<script>alert(1)</script>",
        "'; DROP TABLE event; --",
        "/restart",
    ],
)
def test_whatever_is_typed_is_answered(system: System, line: str) -> None:
    heard = system.chat(f"odd{abs(hash(line))}", line)
    assert heard
    assert heard[0]["text"]
    assert "<script>" not in heard[0]["text"]
