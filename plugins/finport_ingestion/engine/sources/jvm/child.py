"""The process with the Java machine: it reads a database as its parent asks once, and ends with it.

Started as `python -m finport_ingestion.engine.sources.jvm.child`; see calling.py.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import threading
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from finport_ingestion.engine.clock import Deadline, SystemClock
from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import FinportError
from finport_ingestion.engine.network.protection import Protection
from finport_ingestion.engine.records import SourceItem, Watermark
from finport_ingestion.engine.resilience.gate import Answer
from finport_ingestion.engine.sources.interface import Access
from finport_ingestion.engine.sources.jvm.address import Way
from finport_ingestion.engine.sources.jvm.dialect import JdbcDialect
from finport_ingestion.engine.sources.jvm.machine import Machine
from finport_ingestion.engine.sources.sql import RelationOptions, SqlSource

Tell = Callable[[Mapping[str, Any]], None]


def main() -> None:
    # What a driver prints must not come between the answers.
    answers = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    questions = Connection(os.dup(0), writable=False)
    request = json.loads(questions.recv_bytes())
    threading.Thread(target=_end_with_parent, args=(questions,), daemon=True).start()

    def tell(answer: Mapping[str, Any]) -> None:
        answers.send_bytes(json.dumps(answer).encode())

    try:
        _answer(request, tell, answers)
    except FinportError as error:
        tell({"is": "error", "class": type(error).__name__, "message": error.message, "hint": error.hint})
    except BaseException as error:  # the parent says it; the driver's words may hold anything
        place = "".join(traceback.format_tb(error.__traceback__))
        tell({"is": "fault", "class": type(error).__name__, "place": place})
    finally:
        # Java would wait for the threads of the driver.
        os._exit(0)


def _end_with_parent(questions: Connection) -> None:
    try:
        questions.recv_bytes()
    except EOFError:
        os._exit(1)


def _answer(request: Mapping[str, Any], tell: Tell, answers: Connection) -> None:
    source = _source(request, tell)
    if request["do"] == "check":
        tell({"is": "said", "text": source.check()})
    elif request["do"] == "discover":
        after = request["after"]
        mark = Watermark(**{**after, "ties": tuple(after["ties"])}) if after else None
        tell({"is": "items", "items": [dataclasses.asdict(item) for item in source.discover(mark)]})
    else:
        known = False
        for batch in source.read(SourceItem(**request["item"])):
            if not known:
                tell({"is": "schema"})
                answers.send_bytes(batch.schema.serialize())
                known = True
            tell({"is": "batch"})
            answers.send_bytes(batch.serialize())
        tell({"is": "end"})


def _source(request: Mapping[str, Any], tell: Tell) -> SqlSource:
    connection = request["connection"]
    password = connection.pop("secret")
    spec = ConnectionSpec(**connection, secret=lambda: password)
    access = Access(
        source=request["source"],
        connection=spec,
        auth=None,
        auth_connection=None,
        deadline=Deadline.after(request["seconds"], clock=SystemClock()),
        gate=_Reporting(tell),
        protection=Protection(**request["protection"]),
        request_timeout_seconds=request["request_timeout_seconds"],
        cursor=request["cursor"],
        start=request["start"],
    )
    machine = Machine(
        jars=request["jars"],
        memory_bytes=request["memory_bytes"],
        way=Way(host=request["host"], ips=tuple(request["ips"])),
        min_tls=access.protection.min_tls,
        ca_file=access.protection.ca_file,
    )
    machine.start(Path(request["folder"]), source=access.source)
    options = RelationOptions.model_validate(request["options"])
    login = {"user": spec.login, "password": password}
    dialect = JdbcDialect(
        driver_class=request["driver_class"],
        url=request["url"],
        properties={**request["properties"], **{name: value for name, value in login.items() if value}},
    )
    return SqlSource(options, access, dialect=dialect)


class _Reporting:
    """The gate stands in the parent, which had this process admitted: it only hears how it went."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def admitted_now(self, endpoint: str | None = None) -> bool:
        return True

    def admit(self, deadline: Deadline, endpoint: str | None = None) -> None:
        return

    def report(self, answer: Answer) -> None:
        self._tell({"is": "logged in"})


if __name__ == "__main__":
    main()
