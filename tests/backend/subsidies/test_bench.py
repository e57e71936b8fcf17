"""The bench fills and measures; at a small size here, so that only what it says of itself is looked at."""

from benchmarks.subsidies import Sizes, measure


async def test_every_path_is_timed_and_reads_no_big_table_from_end_to_end(postgres_url: str):
    found = await measure(postgres_url, Sizes(20_000, 20_000, 20), plans=True)
    assert found["applications"] == 20_000
    assert found["paths"].keys() == {"list", "search by masked name", "search by number", "one application", "decision"}
    assert found["seq_scans"] == []
