"""Whoever writes first after a start waits for no dictionary: their turn would be over before it is read."""

from pathlib import Path

import jieba
import pytest

from backend.db import Database
from backend.grids import address
from backend.intake.service import Readers


async def test_what_reads_is_ready_before_the_first_message(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jieba, "dt", jieba.Tokenizer())
    address._dictionary.cache_clear()
    async with database.read() as session:  # before there are items: the model that ships, which all tests share
        await Readers(tmp_path / "models" / "triage-items.npz").prepared(session)
    assert jieba.dt.initialized
    assert address._dictionary.cache_info().currsize == 1
