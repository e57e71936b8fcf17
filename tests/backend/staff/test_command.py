"""linlitong staff: accounts made, closed and reset from the command line."""

from pathlib import Path

from click.testing import CliRunner

from backend.db import Database
from linlitong.commands.staff import command
from tests.backend.staff.town import build
from tests.support.postgres import outside


async def run(database: Database, home: Path, *arguments: str) -> tuple[int, str]:
    """Call the command as a process would: with its own event loop. Returns (exit code, output)."""
    environment = {"LINLITONG_HOME": str(home), "LINLITONG_DATABASE_URL": database.url}
    results = []
    outside(lambda: results.append(CliRunner(env=environment).invoke(command, arguments)))
    return results[0].exit_code, results[0].output


async def signs_in(database: Database, username: str, password: str) -> bool:
    from backend.clock import SystemClock
    from backend.staff import service

    try:
        await service.sign_in(database, username=username, password=password, remote="", now=SystemClock().now(), hours=1)
    except service.WrongPassword:
        return False
    return True


async def test_an_account_is_made_closed_and_opened_again(database: Database, tmp_path: Path) -> None:
    await build(database)
    code, password = await run(database, tmp_path, "create", "new", "--name", "新来的", "--role", "community", "--area", "GH")
    assert code == 0
    assert await signs_in(database, "new", password.strip())
    assert await run(database, tmp_path, "disable", "new") == (0, "new is closed\n")
    assert not await signs_in(database, "new", password.strip())
    code, another = await run(database, tmp_path, "reset", "new")
    assert code == 0
    assert not await signs_in(database, "new", password.strip())
    assert await signs_in(database, "new", another.strip())


async def test_what_cannot_be_made_is_refused_in_one_sentence(database: Database, tmp_path: Path) -> None:
    await build(database)
    for arguments, sentence in (
        (["create", "grid", "--name", "甲", "--role", "grid_member", "--area", "GH1"], "这个用户名已经有人用了。"),
        (["create", "new", "--name", "甲", "--role", "department", "--area", "GH1"], "部门账号要填部门，其他账号要填区域。"),
        (["create", "new", "--name", "甲", "--role", "street", "--area", "XX"], "没有这个区域。"),
        (["create", "new", "--name", "甲", "--role", "community", "--area", "GH1"], "区域要和角色同一层级。"),
        (["create", "new", "--name", "甲", "--role", "law_volunteer", "--area", "GH"], "区域要和角色同一层级。"),
        (["disable", "nobody"], "没有这个账号。"),
        (["reset", "nobody"], "没有这个账号。"),
    ):
        assert await run(database, tmp_path, *arguments) == (1, f"Error: {sentence}\n")
