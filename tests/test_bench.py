"""The benchmark table shows what was measured; the measuring itself is `make bench`."""

from tests.bench import table


def test_the_table_is_aligned_and_leaves_out_what_is_not_known():
    rows = [table.Row("scores", 1234.5, "s", "at most 40", "music21", 2469, 2), table.Row("sound", 0.25, "x real time")]
    head, first, second = table.show(rows).splitlines()
    assert first.split() == "scores 1,234 s at most 40 music21 2,469 2 x".split()
    assert second.split() == "sound 0.25 x real time".split()
    assert first.index("1,234") + 5 == second.index("0.25") + 4 == head.index("measured") + 8


def test_a_call_is_timed_and_its_result_kept():
    calls = []
    spent, result = table.seconds(lambda: calls.append(0) or len(calls), repeats=3)
    assert 0 <= spent < 1 and result == 3
