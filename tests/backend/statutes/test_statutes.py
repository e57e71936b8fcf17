"""Statutes: what an import writes and refuses, which version is found, what a text refers to, and the bar."""

import gzip
import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from backend.db import Database
from backend.statutes import service
from backend.statutes.index import Entry, Index
from backend.statutes.knowledge import shipped
from backend.statutes.models import Article, Library
from linlitong.commands.statutes import command

TODAY = date(2026, 11, 24)
SHARED = Path(os.environ.get("LINLITONG_TEST_SHARED_DATA") or Path(__file__).parents[4] / "shared" / "data")

DIVORCE = "夫妻一方要求离婚的，可以由有关组织进行调解或者直接向人民法院提起离婚诉讼。"
LOAN = "借款的利率不得违反国家有关规定。借款合同对支付利息没有约定的，视为没有利息。"
WAGES = "用人单位自用工之日起超过一个月不满一年未与劳动者订立书面劳动合同的，应当向劳动者每月支付二倍的工资。"
DOG = "饲养的动物造成他人损害的，动物饲养人或者管理人应当承担侵权责任。"
CIVIL = "中华人民共和国民法典"
ARTICLES = [
    {"article": f"{CIVIL}第一千零七十九条", "text": DIVORCE},
    {"article": f"{CIVIL}第六百八十条", "text": LOAN},
    {"article": "劳动合同法第八十二条", "text": WAGES},
    {"article": f"{CIVIL}第一千二百四十五条", "text": DOG},
    {"article": "中华人民共和国刑法第二百八十七条之二", "text": "明知他人利用信息网络实施犯罪，为其犯罪提供互联网接入。"},
    {"article": "最高人民法院关于适用《民法典》婚姻家庭编的解释（一）第五条", "text": "当事人请求返还按照习俗给付的彩礼的。"},
]

Command = Callable[..., Result]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: dict[str, object] | str, name: str = "statutes.jsonl") -> Path:
        path = tmp_path / name
        lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
        content = "\n".join(lines).encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command against a migrated database."""
    monkeypatch.setenv("LINLITONG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LINLITONG_DATABASE_URL", database_url)
    return lambda *arguments: CliRunner().invoke(command, [str(argument) for argument in arguments])


def index_of(*rows: dict[str, str]) -> Index:
    return Index([Entry(row["article"], row["text"]) for row in rows])


async def test_importing_twice_changes_nothing(database_url: str, write: Callable[..., Path]) -> None:
    database = Database(database_url)
    counts = []
    for _ in range(2):
        counts.append(await _import(database, write(*ARTICLES)))
    async with database.read() as session:
        revision = await session.scalar(select(Library.revision))
    await database.close()
    assert counts == [(6, 0, 0), (0, 0, 6)]
    assert revision == 1


async def _import(database: Database, path: Path) -> tuple[int, int, int]:
    from backend.statutes.importing import check_versions, read_articles, write_articles

    table = read_articles(path)
    async with database.write() as session:
        await check_versions(session, table)
        assert table.problems == []
        done = await write_articles(session, [row.values for row in table.rows])
    return done.added, done.changed, done.same


def test_the_command_imports_plain_and_gzip_files(run: Command, write: Callable[..., Path]) -> None:
    plain, packed = run("import", write(*ARTICLES)), run("import", write(*ARTICLES, name="statutes.jsonl.gz"))
    assert (plain.exit_code, plain.stdout) == (0, "statutes.jsonl: 新增6，更改0，不变0。\n")
    assert (packed.exit_code, packed.stdout) == (0, "statutes.jsonl.gz: 新增0，更改0，不变6。\n")


def test_every_wrong_line_is_listed_and_nothing_is_written(run: Command, write: Callable[..., Path]) -> None:
    file = write(
        ARTICLES[0],
        '{"article": "民法典第一条", ',
        "[1]",
        {"article": "", "text": "有文字"},
        {"article": "民法典第二条", "text": 5},
        "",
        {"article": "民法典第三条", "text": "文字", "effective_from": "2021年"},
        {"article": "民法典第四条", "text": "文字", "effective_from": "2021-01-01", "effective_to": "2020-01-01"},
        {"article": "民法典第五条", "text": "文字", "valid_from": "2021-01-01"},
        ARTICLES[0],
    )
    result = run("import", file)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "statutes.jsonl:2 不是一行完整的JSON。",
        "statutes.jsonl:3 应是一个JSON对象。",
        "statutes.jsonl:4 [article] 不能为空。",
        "statutes.jsonl:5 [text] 应填文字。",
        "statutes.jsonl:7 [effective_from] 应填日期，如2021-01-01。",
        "statutes.jsonl:8 [effective_to] 失效日期早于生效日期。",
        "statutes.jsonl:9 [valid_from] 多出这一项。",
        "statutes.jsonl:10 [article、version] 与第1行重复。",
    ]
    assert result.stdout == "statutes.jsonl: 8处错误，没有写入。\n"
    assert run("evaluate", write({"question": "离婚", "articles": ["x"]}, name="q.jsonl")).exit_code == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "文件是空的。"),
        (gzip.compress(b"x" * 5000, mtime=0)[:20], "压缩文件不完整，解不开。"),
        ('{"article": "甲"}'.encode("gbk"), "不是UTF-8编码。"),
        (b"[" * 100_000, "不是一行完整的JSON。"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    from backend.statutes.importing import read_articles

    path = tmp_path / "file.jsonl"
    path.write_bytes(content)
    assert [problem.reason for problem in read_articles(path).problems] == [reason]


async def test_two_versions_may_not_begin_on_the_same_day(database_url: str, write: Callable[..., Path]) -> None:
    from backend.statutes.importing import check_versions, read_articles

    database = Database(database_url)
    first = {"article": "甲法第一条", "text": "旧", "version": "2020", "effective_from": "2020-01-01"}
    await _import(database, write(first))
    table = read_articles(write(first | {"version": "2024"}))
    async with database.read() as session:
        await check_versions(session, table)
    async with database.read() as session:
        kept = await session.scalar(select(func.count()).select_from(Article))
    await database.close()
    assert [problem.reason for problem in table.problems] == ["与版本“2020”的生效日期相同。"]
    assert kept == 1


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2019, 12, 31), []),
        (date(2020, 1, 1), ["旧的规定"]),
        (date(2023, 12, 31), ["旧的规定"]),
        (date(2024, 1, 1), ["新的规定"]),
        (date(2025, 12, 31), ["新的规定"]),
        (date(2026, 1, 1), []),
    ],
)
async def test_the_version_in_force_on_the_day_is_found(
    database_url: str, write: Callable[..., Path], day: date, found: list[str]
) -> None:
    database = Database(database_url)
    old = {"article": "甲法第一条", "text": "旧的规定", "version": "2020", "effective_from": "2020-01-01"}
    new = {
        "article": "甲法第一条", "text": "新的规定", "version": "2024",
        "effective_from": "2024-01-01", "effective_to": "2025-12-31",
    }  # fmt: skip
    await _import(database, write(new, old))
    async with database.read() as session:
        index = await service.current(session, None)
    await database.close()
    assert [item.text for item in index.nearest("什么规定", at=day)] == found
    assert [named.article for named in index.articles_named("甲法第1条", at=day)] == ["甲法第一条" if found else None]


async def test_the_index_is_kept_until_an_import_changes_something(database_url: str, write: Callable[..., Path]) -> None:
    database = Database(database_url)
    held = None
    seen = []
    for rows in (ARTICLES[:1], ARTICLES[:1], ARTICLES[:2]):
        await _import(database, write(*rows))
        async with database.read() as session:
            held = await service.current(session, held)
        seen.append(held)
    await database.close()
    assert seen[0] is seen[1]
    assert [len(index.entries) for index in seen] == [1, 1, 2]


@pytest.mark.parametrize(
    ("question", "article"),
    [
        ("想和老公离了，他不同意怎么办？", f"{CIVIL}第一千零七十九条"),
        ("老板不签合同，上班半年了", "劳动合同法第八十二条"),
        ("朋友借钱没写利息", f"{CIVIL}第六百八十条"),
        ("邻居的狗咬伤了我", f"{CIVIL}第一千二百四十五条"),
        ("鄰居的狗把我咬了，要他賠錢", f"{CIVIL}第一千二百四十五条"),
    ],
)
def test_everyday_words_find_the_statute(question: str, article: str) -> None:
    assert index_of(*ARTICLES).nearest(question, 1, at=TODAY)[0].article == article


@pytest.mark.parametrize("question", ["", "？！…", "hello", "🙂" * 100, "\n", "龘"])
def test_a_question_without_anything_in_common_finds_nothing(question: str) -> None:
    assert index_of(*ARTICLES).nearest(question, at=TODAY) == []


def test_an_empty_record_finds_nothing() -> None:
    index = Index([])
    assert index.nearest("离婚", at=TODAY) == []
    assert [named.article for named in index.articles_named("民法典第1条", at=TODAY)] == [None]


def test_no_more_than_the_limit_and_in_the_order_of_the_score() -> None:
    index = index_of(*ARTICLES)
    found = index.nearest("离婚时借款和彩礼由谁承担", 3, at=TODAY)
    scores = [item.score for item in found]
    assert len(found) == 3
    assert scores == sorted(scores, reverse=True)
    assert index.nearest("离婚时借款和彩礼由谁承担", 3, at=TODAY) == found


def test_the_order_of_the_file_does_not_matter() -> None:
    forth, back = index_of(*ARTICLES), index_of(*reversed(ARTICLES))
    question = "离婚以后狗和借款归谁"
    assert forth.nearest(question, at=TODAY) == back.nearest(question, at=TODAY)


def test_a_kept_index_answers_as_the_built_one_and_a_broken_one_is_built_anew(tmp_path: Path) -> None:
    entries = [Entry(row["article"], row["text"]) for row in ARTICLES]
    question = "老公打我，我要离婚"
    built = Index(entries, cache=tmp_path).nearest(question, at=TODAY)
    kept = Index(entries, cache=tmp_path).nearest(question, at=TODAY)
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    anew = Index(entries, cache=tmp_path).nearest(question, at=TODAY)
    Index(entries[:2], cache=tmp_path)
    assert built == kept == anew
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("依据《民法典》第一千零七十九条起诉", [("《民法典》第一千零七十九条", f"{CIVIL}第一千零七十九条")]),
        ("看民法典1079条", [("民法典1079条", f"{CIVIL}第一千零七十九条")]),
        ("《中华人民共和国民法典》 第 1079 条第三款", [("《中华人民共和国民法典》 第 1079 条", f"{CIVIL}第一千零七十九条")]),
        ("民法典第１０７９条", [("民法典第１０７９条", f"{CIVIL}第一千零七十九条")]),
        ("根据劳动合同法第八十二条，可要双倍工资", [("劳动合同法第八十二条", "劳动合同法第八十二条")]),
        ("《中华人民共和国劳动合同法》第82条", [("《中华人民共和国劳动合同法》第82条", "劳动合同法第八十二条")]),
        ("刑法第二百八十七条之二", [("刑法第二百八十七条之二", "中华人民共和国刑法第二百八十七条之二")]),
        ("刑法第二百八十七条", [("刑法第二百八十七条", None)]),
        ("民法典婚姻家庭编解释（一）第5条", [("民法典婚姻家庭编解释（一）第5条", ARTICLES[5]["article"])]),
        (
            "民法典第一千零七十九条、第六百八十条和第一条",
            [
                ("民法典第一千零七十九条", f"{CIVIL}第一千零七十九条"),
                ("第六百八十条", f"{CIVIL}第六百八十条"),
                ("第一条", None),
            ],
        ),
        ("《民法典》第九千九百条", [("《民法典》第九千九百条", None)]),
        ("《火星居民保护法》第3条", [("《火星居民保护法》第3条", None)]),
        ("《婚姻法》第三十二条已失效", [("《婚姻法》第三十二条", None)]),
        ("本合同第三条、您说的三条理由，还有两条路", []),
        ("依照本法第十条，按本条例第三条的办法", []),
        ("依照火星移民法第十条", [("火星移民法第十条", None)]),
        ("", []),
    ],
)
def test_references_to_articles_are_read_and_unknown_ones_marked(text: str, expected: list[tuple[str, str | None]]) -> None:
    named = index_of(*ARTICLES).articles_named(text, at=TODAY)
    assert [(item.text, item.article) for item in named] == expected
    assert [text[item.start : item.end] for item in named] == [item.text for item in named]


def test_the_hand_written_knowledge_is_well_formed() -> None:
    knowledge = shipped()
    assert all(first <= last and words for lines in knowledge.headings.values() for first, last, words in lines)
    assert all(meant != (word,) for word, meant in knowledge.terms.items())
    assert knowledge.terms_for("医疗费谁出").keys() >= {"护理费"}


def test_evaluate_says_how_much_is_found(run: Command, write: Callable[..., Path]) -> None:
    run("import", write(*ARTICLES))
    questions = write(
        {"question": "邻居的狗咬伤了我", "articles": ["民法典第1245条"]},
        {"question": "老板不签合同", "articles": ["劳动合同法第八十二条", "劳动合同法第十条"]},
        name="questions.jsonl",
    )
    result = run("evaluate", questions, "--json")
    figures = json.loads(result.stdout)
    assert list(figures) == ["recall_at_1", "recall_at_5", "recall_at_10", "mrr", "ms_p50", "ms_p95"]
    assert [figures[name] for name in list(figures)[:4]] == [0.75, 0.75, 0.75, 1.0]
    assert "1 of their articles are not in the index." in run("evaluate", questions).stdout


def test_evaluate_takes_the_articles_from_a_file_when_it_is_named(run: Command, write: Callable[..., Path]) -> None:
    questions = write({"question": "狗咬伤", "articles": [ARTICLES[3]["article"]]}, name="questions.jsonl")
    without = run("evaluate", questions, "--json")
    named = run("evaluate", questions, "--json", "--statutes", write(*ARTICLES))
    assert "The database holds no statutes" in without.stderr
    assert json.loads(named.stdout)["recall_at_1"] == 1.0


def test_the_shipped_search_reaches_the_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statutes, questions = SHARED / "statutes.jsonl.gz", SHARED / "legal_questions_dev.jsonl.gz"
    if not (statutes.exists() and questions.exists()):
        pytest.skip(f"the measuring data is not in {SHARED}; LINLITONG_TEST_SHARED_DATA may name its folder")
    monkeypatch.setenv("LINLITONG_HOME", str(tmp_path))
    result = CliRunner().invoke(command, ["evaluate", str(questions), "--json", "--statutes", str(statutes)])
    figures = json.loads(result.stdout)
    assert figures["recall_at_5"] >= 0.62
    assert figures["mrr"] >= 0.60
