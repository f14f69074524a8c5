"""Durations of vendors that are written in Go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtools.policies.durations import go_duration, written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("24h", 86_400),
        ("1h15m", 4_500),
        ("1h15m30.918s", 4_530.918),
        (".5h", 1_800),
        ("1.h", 3_600),
        ("300ms", 0.3),
        ("1µs", 0.000_001),
        ("+5s", 5),
        ("0", 0),
        ("2540400h", 9_145_440_000),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, seconds: float) -> None:
    assert go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["", "7d", "1w", "30", "-1h", "h", ".h", "1 h", "1h ", "3000000h", "1e3s", "٣h", "9" * 80],
)
def test_what_go_would_not_take_is_none(text: str) -> None:
    assert go_duration(text) is None


@given(st.integers(0, 10_000), st.integers(0, 59), st.integers(0, 59))
def test_what_is_read_comes_back(hours: int, minutes: int, seconds: int) -> None:
    found = go_duration(f"{hours}h{minutes}m{seconds}s")
    assert found == timedelta(hours=hours, minutes=minutes, seconds=seconds)
    days, rest = divmod(found, timedelta(days=1))
    text = written(found)
    assert text.startswith(f"{days}d") or not days
    assert go_duration(text.partition("d")[2] or "0s") == rest or not days
