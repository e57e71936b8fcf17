"""A worker asks a lawyer: from the first words in the chat to the stars, with a volunteer at the console."""

import http.cookiejar
import re
import urllib.parse
import urllib.request

from tests.support.system import System, number_in, texts

QUESTION = "工地老板欠我四个月工资一直拖着不给，没签合同，我该怎么要回来"


class Console:
    """Somebody signed in to the console's pages."""

    def __init__(self, system: System, username: str) -> None:
        self.url = system.staff
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        password = next(row["password"] for row in system.accounts() if row["username"] == username)
        self.csrf = self._csrf(self.get("/sign-in"))
        self.csrf = self._csrf(self.post("/sign-in", username=username, password=password))

    def get(self, path: str) -> str:
        with self.browser.open(self.url + path, timeout=20) as answer:
            return answer.read().decode()

    def post(self, path: str, **fields: str) -> str:
        """Send a form; returns the page it leads to."""
        body = urllib.parse.urlencode({"csrf": self.csrf, **fields}).encode()
        with self.browser.open(self.url + path, body, timeout=20) as answer:
            return answer.read().decode()

    @staticmethod
    def _csrf(page: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        return found[1]


def test_a_question_finds_a_volunteer_and_comes_back_answered(system: System) -> None:
    lawyer, coordinator = Console(system, "ls-1"), Console(system, "fl-xt")
    profile = {"licence": "13200202010000007", "hours": "工作日晚上", "languages": "普通话", "area_labour": "1"}
    assert "等待审核" in lawyer.post("/legal/profile", **profile)
    decision = re.search(r'action="(/legal/volunteers/\d+)"', coordinator.get("/legal/volunteers"))
    assert decision
    coordinator.post(decision[1], decision="approve")

    assert "没问题就交给志愿律师" in "".join(texts(system.chat("worker", QUESTION, wait=3)))
    number = number_in(system.chat("worker", "提交给律师", wait=3))
    consult = f"/legal/consults/{number}"
    assert number in lawyer.get("/legal")
    lawyer.post(f"{consult}/claim")
    lawyer.post(f"{consult}/answers", text="没签合同也能要，先去劳动监察大队投诉，带上转账和聊天记录。")
    told = texts(system.chat("worker", wait=3))
    assert [text.split("】")[0] for text in told] == ["【律师已接", "【律师答复"]
    assert "先去劳动监察大队投诉" in told[1]

    assert "原话转给律师" in texts(system.chat("worker", "追问"))[0]
    assert f"转给律师了（编号 {number}）" in texts(system.chat("worker", "劳动监察大队要多久给答复"))[0]
    assert "劳动监察大队要多久给答复" in lawyer.get(consult)
    lawyer.post(f"{consult}/answers", text="一般六十个工作日内办结。")
    lawyer.post(f"{consult}/contact")
    assert "愿意留电话吗" in texts(system.chat("worker", wait=3))[-1]
    assert "请把电话发给我" in texts(system.chat("worker", "愿意"))[0]
    assert "再发一遍" in texts(system.chat("worker", "一三九"))[0]
    assert f"电话给律师了（编号 {number}）" in texts(system.chat("worker", "10000000777"))[0]
    assert "10000000777" not in lawyer.get(consult)
    assert "10000000777" in lawyer.post(f"{consult}/phone")

    assert "律师答得怎么样" in texts(system.chat("worker", f'[button] /end_consult{{"number":"{number}"}}'))[0]
    assert "5 星" in texts(system.chat("worker", "五星"))[0]
    assert "居民评价 5 星" in lawyer.get(consult)
