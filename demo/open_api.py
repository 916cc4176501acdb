"""An open API on this machine to try `finport source add` on: daily prices in pages, over TLS.

```text
GET /v1/prices?page=1&per_page=500
{"data":[{"symbol":"AAPL","date":"2013-01-02","open":553.82,...}],"page":1,"pages":10}
```
It runs until Ctrl-C. Its certificate is of an authority of its own, in `.airflow/open-api/tls/ca.pem`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import socket
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.airflow_home import HOME
from demo.credentials import tls_folder_of
from demo.folder import DemoFolder

PATH: Final = "/v1/prices"
PORT: Final = 8765
ROWS_PER_PAGE: Final = 500
_MOST_ROWS: Final = 5_000
_LIMITS: Final = {"RateLimit-Policy": "600;w=60"}


class Prices:
    """`GET` and `HEAD /v1/prices`."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows
        self._etag = f'"{hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]}"'

    async def answer(self, request: Request) -> Response:
        """One page, 304 for who has it already, 400 for numbers that are none."""
        headers = {**_LIMITS, "ETag": self._etag}
        if self._etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        try:
            page = _number(request, "page", 1)
            size = min(_number(request, "per_page", ROWS_PER_PAGE), _MOST_ROWS)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400, headers=_LIMITS)
        rows = self._rows[(page - 1) * size : page * size]
        return JSONResponse({"data": rows, "page": page, "pages": -(-len(self._rows) // size)}, headers=headers)


def application(rows: list[dict[str, Any]]) -> Starlette:
    """The API over some records."""
    return Starlette(routes=[Route(PATH, Prices(rows).answer, methods=["GET"])])


def main() -> None:
    """Serve until somebody ends it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--folder", type=Path, default=HOME / "open-api", help="where its certificate lies")
    arguments = parser.parse_args()
    folder = DemoFolder(arguments.folder)
    folder.prepare()
    tls = tls_folder_of(folder)
    address = f"https://127.0.0.1:{arguments.port}{PATH}"
    config = uvicorn.Config(
        application(_rows()),
        ssl_certfile=str(tls / "server.pem"),
        ssl_keyfile=str(tls / "server.key"),
        log_level="warning",
    )
    # Listening before it says so: whoever is quick waits for the answer.
    with socket.create_server(("127.0.0.1", arguments.port)) as listener:
        print(f"{address} answers until Ctrl-C. In another terminal:", flush=True)
        print(f"  finport source add {address} --ca-file {_shown(tls / 'ca.pem')} --allow-private-network", flush=True)
        uvicorn.Server(config).run(sockets=[listener])


def _rows() -> list[dict[str, Any]]:
    from demo.market import stock_prices

    prices = sorted(stock_prices(), key=lambda price: (price.date, price.symbol))
    return [
        {"symbol": price.symbol, "date": str(price.date), "close": float(price.close), "volume": int(price.volume)}
        for price in prices
    ]


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise ValueError(f"{name} has to be a whole number from 1 on")
    return int(text[:9])


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


if __name__ == "__main__":
    main()
