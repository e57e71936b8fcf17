"""The bench fills and measures; at a small size here, so that only what it says of itself is looked at."""

from benchmarks.subsidies import PATHS, Sizes, filled, measure


async def test_every_path_is_timed_and_reads_no_big_table_from_end_to_end(postgres_url: str):
    async with filled(postgres_url, Sizes(20_000, 20_000, 20)) as one:
        (found,) = await measure(one)
    assert found["applications"] == 20_000
    assert tuple(found["paths"]) == PATHS
    assert all(path["tries"] == 20 and path["ms_p50"] > 0 for path in found["paths"].values())
    assert found["seq_scans"] == []
