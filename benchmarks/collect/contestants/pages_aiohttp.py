"""aiohttp alone: a worker for each connection, pages as they come, counted and dropped."""

from __future__ import annotations

from benchmarks.convert.contestants.stopwatch import now

begun = now()

import asyncio  # noqa: E402
import ssl  # noqa: E402

import aiohttp  # noqa: E402

from benchmarks.collect.contestants.pages import timed  # noqa: E402


def fetched(url: str, ca_path: str, connections: int, pages: int) -> list[int]:
    """The number of pages and of bytes."""
    return asyncio.run(_fetched(url, ssl.create_default_context(cafile=ca_path), connections, pages))


async def _fetched(url: str, tls: ssl.SSLContext, connections: int, pages: int) -> list[int]:
    numbers = iter(range(1, pages + 1))
    found = [0, 0]
    connector = aiohttp.TCPConnector(limit=connections, ssl=tls)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> None:
            for number in numbers:
                async with session.get(f"{url}/?pages={pages}&page={number}") as response:
                    response.raise_for_status()
                    body = await response.read()
                found[0] += 1
                found[1] += len(body)

        await asyncio.gather(*[work() for _ in range(connections)])
    return found


if __name__ == "__main__":
    timed(begun, fetched)
