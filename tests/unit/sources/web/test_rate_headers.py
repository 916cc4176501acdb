"""What servers say about the requests that are left."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from finport_ingestion.engine.sources.web.rate_headers import NOTHING_SAID, Left, left

NOW = datetime(2024, 1, 2, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, NOTHING_SAID),
        ({"RateLimit": '"default";r=50;t=30'}, Left(50, 30)),
        ({"ratelimit": '"burst";r=9;t=1, "day";r=3;t=5000'}, Left(3, 5000)),
        ({"RateLimit": '"default";r=0'}, Left(0, None)),
        ({"RateLimit": "limit=100, remaining=7, reset=12"}, Left(7, 12)),
        ({"RateLimit": "nonsense"}, NOTHING_SAID),
        ({"RateLimit-Remaining": "5", "RateLimit-Reset": "60"}, Left(5, 60)),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(EPOCH + 90)}, Left(5, 90)),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str((EPOCH + 90) * 1000)}, Left(5, 90)),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(EPOCH - 90)}, Left(5, 0)),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1.5"}, Left(0, 1.5)),
        ({"X-RateLimit-Remaining": "12, 12;w=60"}, Left(12, None)),
        ({"X-RateLimit-Remaining": "unlimited"}, NOTHING_SAID),
        ({"X-RateLimit-Remaining": "-1"}, NOTHING_SAID),
        ({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": "Tue, 02 Jan 2024 00:00:00 GMT"}, Left(5, None)),
        ({"X-RateLimit-Remaining": "٣"}, NOTHING_SAID),
    ],
)
def test_the_dialects_of_rate_headers_are_understood(headers: dict[str, str], expected: Left) -> None:
    assert left(CIMultiDict(headers), now=NOW) == expected
