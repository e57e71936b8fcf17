"""The databases that the tests themselves stand on."""

from sqlalchemy import text

from backend.db import Database


async def test_each_test_gets_a_database_of_its_own(database_url: str) -> None:
    database = Database(database_url)
    async with database.write() as session:
        await session.execute(text("CREATE TABLE scratch (id INTEGER)"))
    await database.close()


async def test_and_sees_nothing_of_the_test_before(database_url: str) -> None:
    await test_each_test_gets_a_database_of_its_own(database_url)


async def test_a_fresh_database_has_no_tables_but_is_real(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    async with database.read() as session:
        assert await session.scalar(text("SELECT 41 + 1")) == 42
    await database.close()
