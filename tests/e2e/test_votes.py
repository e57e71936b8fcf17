"""A vote in the running system: made at the console, voted in by chat; the choice is nowhere on the disk."""

import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.system import System, texts

CHOICE = "改成鹿鸣广场"


class Console:
    """A member of staff in a browser without scripts."""

    def __init__(self, system: System, username: str) -> None:
        self.url = system.staff
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        password = next(row["password"] for row in system.accounts() if row["username"] == username)
        self._wait()
        self.csrf = self._csrf(self.get("/sign-in"))
        self.csrf = self._csrf(self.post("/sign-in", username=username, password=password))

    def _wait(self) -> None:
        """The console listens a moment after the page does."""
        for _ in range(300):
            with suppress(urllib.error.URLError):
                self.get("/sign-in")
                return
            time.sleep(0.2)

    @staticmethod
    def _csrf(page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found
        return found[1]

    def get(self, path: str) -> str:
        with self.browser.open(self.url + path, timeout=30) as answer:
            self.where = urllib.parse.urlparse(answer.url).path
            return answer.read().decode()

    def post(self, path: str, **fields: str) -> str:
        data = urllib.parse.urlencode({"csrf": self.csrf} | fields).encode()
        with self.browser.open(self.url + path, data, timeout=30) as answer:
            self.where = urllib.parse.urlparse(answer.url).path
            return answer.read().decode("utf-8-sig")

    def upload(self, path: str, text: str) -> str:
        parts = [f'--b\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{self.csrf}\r\n']
        parts += [f'--b\r\nContent-Disposition: form-data; name="csv"; filename="l.csv"\r\n\r\n{text}\r\n--b--\r\n']
        request = urllib.request.Request(
            self.url + path, "".join(parts).encode(), {"Content-Type": "multipart/form-data; boundary=b"}
        )
        with self.browser.open(request, timeout=30) as answer:
            return answer.read().decode()


def announced(console: Console) -> tuple[str, dict[str, str]]:
    """A vote of two households: its address and the slips' codes."""
    now = datetime.now(ZoneInfo("Asia/Shanghai"))
    area = re.search(r'<option value="([^"]+)" selected>', console.get("/votes/new"))
    assert area
    console.post(
        "/votes", title="给街心广场起名", question="街心广场叫什么好？", area=area[1], kind="one", basis="household",
        rule="consultation", options=f"{CHOICE}\n叫老地方", keyholders="王秀兰", keys_needed="1",
        starts_at=f"{now - timedelta(minutes=1):%Y-%m-%dT%H:%M}", ends_at=f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
    )  # fmt: skip
    where = console.where
    console.upload(f"{where}/electorate", "unit,name,part,area_m2,owner,phone\n7-101,张,,,,\n7-102,李,,,,\n")
    holder = re.search(r'name="holder" value="(\d+)"', console.get(where))
    assert holder
    console.post(f"{where}/keys", holder=holder[1])
    assert "已公布" in console.post(f"{where}/announce")
    slips = [line.split(",") for line in console.post(f"{where}/codes").splitlines()[1:]]
    return where, {unit: code for unit, _, code in slips}


def fetched(system: System, path: str) -> tuple[int, bytes]:
    """(status, body) of the resident page's address, without a cookie."""
    try:
        with urllib.request.urlopen(system.resident + path, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def on_disk(home: Path, words: str) -> list[str]:
    """The files of the record that hold ``words``."""
    files = [path for path in home.rglob("*") if path.is_file() and "models" not in path.parts]
    return [path.name for path in files if words.encode() in path.read_bytes()]


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.timeout(900)
def test_a_resident_votes_by_slip_and_changes_it_and_the_record_does_not_know_how(system: System) -> None:
    username = next(row["username"] for row in system.accounts() if row["role"] == "community")
    console = Console(system, username)
    where, codes = announced(console)
    name = "voter"
    assert "现在没有等您投的票" in "\n".join(texts(system.chat(name, "投票")))
    assert "这里核对不了手机号" in "\n".join(texts(system.chat(name, "发送我的手机号")))
    card = texts(system.chat(name, f"投票码 {codes['7-101']}"))
    assert "您是7-101" in card[0]
    assert "【投票】给街心广场起名" in card[1]
    cast = "\n".join(texts(system.chat(name, CHOICE)))
    assert "投好了" in cast
    receipt = re.search(r"回执号 ((?:\w{4}-){3}\w{4})", cast)
    assert receipt, cast
    assert "给街心广场起名" in "\n".join(texts(system.chat(name, "改投")))
    changed = "\n".join(texts(system.chat(name, "2")))
    assert "改好了" in changed
    assert receipt[1] not in changed
    assert "已经用过了" in "\n".join(texts(system.chat("another", codes["7-101"])))
    assert "<strong>1</strong> / 2" in console.get(where)
    status, said = fetched(system, f"/api/votes/{where.rpartition('/')[2]}")
    assert (status, "还没有结果" in json.dumps(json.loads(said), ensure_ascii=False)) == (409, True)
    assert fetched(system, "/api/votes/TP-000000")[0] == 404
    status, program = fetched(system, "/api/recount.py")
    assert (status, b"def problems" in program) == (200, True)
    assert on_disk(system.home, receipt[1].replace("-", "")) == []
    assert on_disk(system.home, receipt[1]) == []
    # the options' names stand in the vote and on its cards, a ballot's choice nowhere
    assert on_disk(system.home, f'"text": "{CHOICE}"') == []
    assert on_disk(system.home, r'"choice\": \"2') == []
