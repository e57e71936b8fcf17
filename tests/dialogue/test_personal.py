"""删除我的数据 and 导出我的数据 through ``linlitong chat``, the engine's own database included."""

import time

import pytest

from tests.support.system import System, texts


@pytest.mark.timeout(900)
def test_data_is_given_out_and_then_deleted(system: System) -> None:
    assert texts(system.chat("leaver", "路灯坏了"))
    assert any("打成一个包" in text for text in texts(system.chat("leaver", "导出我的数据")))
    assert any("删了就找不回来了" in text for text in texts(system.chat("leaver", "删除我的数据")))
    heard, until = "\n".join(texts(system.chat("leaver", "确定删除"))), time.monotonic() + 30
    assert "这就删" in heard
    while "删好了" not in heard and time.monotonic() < until:
        heard += "\n".join(texts(system.chat("leaver", wait=2)))
    assert "您的数据删好了" in heard
