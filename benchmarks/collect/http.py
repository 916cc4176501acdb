"""HTTP: many small pages from nginx over 1,000 connections, by aiohttp alone and by ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import machine, versions
from benchmarks.measured import By, Goal, Outcome, Sample
from benchmarks.registry import Effort
from benchmarks.rounds import in_turn
from tests.services import nginx_server
from tests.services.certificates import PrivateCa
from tests.services.nginx_server import NginxServer, NginxServers
from tests.services.service import Found, open_workspace

ROOT = Path(__file__).parents[2]
OURS, BARE = "ours", "aiohttp"
_MODULES = {OURS: "pages_ours", BARE: "pages_aiohttp"}
_CONNECTIONS = 1000
_PAGES, _QUICK_PAGES, _WARM_UP_PAGES = 50_000, 5_000, 1_000
_FILLER_BYTES = 10_850
_DIRECTIVE_BYTES = 2_000
_ROUNDS = 5
_AT_MOST = 1 / 0.9


def http(effort: Effort) -> Outcome:
    """Pages of 10.9 kB over TLS 1.3, in order, from a collection that states its number of pages.

    Raises:
        RuntimeError: A contestant failed, or fetched something else.
    """
    return _compare("HTTPS, 1,000 connections", effort, tls=True)


def http_plain(effort: Effort) -> Outcome:
    """The same without TLS: the client's own cost is a larger part of it."""
    return _compare("HTTP without TLS, 1,000 connections", effort, tls=False)


def _compare(title: str, effort: Effort, *, tls: bool) -> Outcome:
    pages = _QUICK_PAGES if effort.quick else _PAGES
    rounds = effort.rounds or (2 if effort.quick else _ROUNDS)
    facts = {"machine": machine(), "versions": versions("aiohttp", "yarl")}
    taken: dict[str, list[Sample]] = {name: [] for name in _MODULES}
    with _served(tls=tls) as server:
        # Round 0 is not counted.
        for number in range(rounds + 1):
            print(f"{title}: round {number} of {rounds}", file=sys.stderr, flush=True)
            for name in in_turn(list(_MODULES), number):
                taken[name].append(_run(_MODULES[name], server, pages))
        facts["server"] = f"nginx {nginx_server.SERVICE.find().version}, one process, over loopback"  # type: ignore[union-attr]
    facts["input"] = f"{pages} pages of {len(_page(1, pages)) / 1000:.1f} kB, counted and dropped"
    facts["rounds"] = f"{rounds}, each contestant once in each, in a fresh process, warmed up"
    samples = {name: every[1:] for name, every in taken.items()}
    goals = [Goal(contestant=OURS, reference=BARE, at_most=_AT_MOST, by=By.WALL)]
    return Outcome(title=title, samples=samples, goals=goals, facts=facts, unit="pages")


def _run(module: str, server: NginxServer, pages: int) -> Sample:
    command = [sys.executable, "-m", f"benchmarks.collect.contestants.{module}", server.url(), str(server.ca_path)]
    command += [str(_CONNECTIONS), str(_WARM_UP_PAGES), str(pages)]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{module} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    told = json.loads(done.stdout.splitlines()[-1])
    found, expected = told.pop("found"), [pages, sum(len(_page(number, pages)) for number in range(1, pages + 1))]
    if found != expected:
        raise RuntimeError(f"{module} fetched {found} pages and bytes, not {expected}")
    return Sample(**told, work=pages)


@contextmanager
def _served(*, tls: bool) -> Iterator[NginxServer]:
    found = nginx_server.find()
    assert isinstance(found, Found), found
    with tempfile.TemporaryDirectory() as folder, open_workspace("nginx", ca=PrivateCa(Path(folder))) as workspace:
        servers = NginxServers(workspace=workspace, program=found.path)
        with servers.serve(_location(), tls=tls) as server:
            yield server


def _location() -> str:
    """A page for each `?page=`, without a file: nginx takes a few thousand bytes a word, so a page is put together."""
    count, rest = divmod(_FILLER_BYTES, _DIRECTIVE_BYTES)
    sizes = [*[_DIRECTIVE_BYTES] * count, rest]
    words = "\n".join(f'set $filler{number} "{"x" * size}";' for number, size in enumerate(sizes))
    filler = "".join(f"${{filler{number}}}" for number in range(len(sizes)))
    body = f'{{"page":$arg_page,"pages":$arg_pages,"data":["{filler}"]}}'
    return f"access_log off;\n{words}\nlocation / {{ default_type application/json; return 200 '{body}'; }}"


def _page(number: int, pages: int) -> bytes:
    return f'{{"page":{number},"pages":{pages},"data":["{"x" * _FILLER_BYTES}"]}}'.encode()
