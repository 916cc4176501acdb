"""The pytest plugin behind every real server: starts it when the first test asks, stops it, and says what ran.

A server that cannot be had is a skip with its reason, and with CI=true a failure. A server that is there and does not
start is always an error. Under pytest-xdist each worker starts its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

import pytest

from tests.services.process import ServerProcess
from tests.services.registry import MODULES, load_services
from tests.services.service import Found, Service, Workspace, open_workspace
from tests.services.usage import Usage

if TYPE_CHECKING:
    from tests.services.certificates import PrivateCa

R = TypeVar("R")

# None of them may be imported above: pytest could no longer rewrite its asserts, and warns, which is an error here.
pytest_plugins = ("tests.services.certificates", *MODULES.values())

CLIENT_CA_VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
LOOPBACK = "127.0.0.1,localhost"
WORKER_OUTPUT = "finport_services"


@dataclass(kw_only=True)
class ServiceRun:
    """What one test process knows about its services; `own` are those of the running test alone."""

    usage: Usage = field(default_factory=Usage)
    workspaces: dict[str, list[Workspace]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)

    def processes_of(self, item: pytest.Item) -> list[ServerProcess]:
        """The running servers that a test uses, to show their logs when it fails."""
        names = used_services(item)
        return [process for name in names for space in self.workspaces.get(name, []) for process in space.processes]


RUN = pytest.StashKey[ServiceRun]()
PREVIOUS_SIGTERM = pytest.StashKey[Any]()


class StartService(Protocol):
    """Starts a service and keeps it until the fixture's scope ends; skips (CI: fails) when it cannot be had."""

    def __call__(self, service: Service[R]) -> R:
        """Start `service` and return what it hands to tests."""
        ...


@dataclass(kw_only=True)
class _Starter:
    run: ServiceRun
    ca: PrivateCa
    stack: ExitStack
    own: bool = False

    def __call__(self, service: Service[R]) -> R:
        found = service.find()
        use = self.run.usage.of(service.name)
        if not isinstance(found, Found):
            use.reason = f"{found.reason}; {service.install.hint(service.name)}"
            _cannot_be_had(f"{service.name} cannot be had: {use.reason}")
        if self.own:
            self.run.own.add(service.name)
        began = time.monotonic()
        workspace = self.stack.enter_context(open_workspace(service.name, ca=self.ca))
        started = self.stack.enter_context(service.start(workspace, found))
        use.starts, use.version, use.how = use.starts + 1, found.version, found.how
        use.ready_seconds = max(use.ready_seconds, time.monotonic() - began)
        spaces = self.run.workspaces.setdefault(service.name, [])
        spaces.append(workspace)
        self.stack.callback(spaces.remove, workspace)
        return started


def _cannot_be_had(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def _own_certificates_only() -> Iterator[None]:
    """Drop the variables that silently override the CA a client was given, and keep proxies off the loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in CLIENT_CA_VARIABLES:
            patch.delenv(name, raising=False)
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, ",".join(filter(None, (os.environ.get(name), LOOPBACK))))
        yield


@pytest.fixture(scope="session")
def start_service(pytestconfig: pytest.Config, private_ca: PrivateCa) -> Iterator[StartService]:
    """Start a service for the rest of the session."""
    with ExitStack() as stack:
        yield _Starter(run=pytestconfig.stash[RUN], ca=private_ca, stack=stack)


@pytest.fixture
def own_service(pytestconfig: pytest.Config, private_ca: PrivateCa) -> Iterator[StartService]:
    """Start a service for this test alone, which may stop it, kill it or fill it."""
    run = pytestconfig.stash[RUN]
    with ExitStack() as stack:
        stack.callback(run.own.clear)
        yield _Starter(run=run, ca=private_ca, stack=stack, own=True)


@pytest.fixture(autouse=True)
def _fixture_names(request: pytest.FixtureRequest) -> pytest.FixtureRequest:
    """Lets `used_services` see what the test asked for, also by `getfixturevalue`."""
    return request


def used_services(item: pytest.Item) -> list[str]:
    """The names of the services that a test has asked for by their fixtures, or started for itself."""
    request = getattr(item, "funcargs", {}).get("_fixture_names")
    names = set(getattr(request or item, "fixturenames", ()))
    own = item.config.stash[RUN].own
    return [name for fixture, name in _service_of_fixture().items() if fixture in names or name in own]


@cache
def _service_of_fixture() -> dict[str, str]:
    return {service.fixture: service.name for service in load_services()}


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count; make SIGTERM (a CI job cancelled) end the run in order, as Ctrl-C does."""
    config.stash[RUN] = ServiceRun()
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        owner = os.getpid()

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            if os.getpid() != owner:
                # A process that a test forked: it inherited this function, and shall end as it would without it.
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)
            raise KeyboardInterrupt("SIGTERM")

        config.stash[PREVIOUS_SIGTERM] = signal.signal(signal.SIGTERM, interrupt)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give SIGTERM back."""
    if PREVIOUS_SIGTERM in config.stash:
        signal.signal(signal.SIGTERM, config.stash[PREVIOUS_SIGTERM])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Count the tests that ran against a service (a test that was skipped for another one is not counted)."""
    try:
        yield
    finally:
        for name in used_services(item):
            item.config.stash[RUN].usage.of(name).tests += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the servers' logs below a failed test, and keep the whole."""
    report = yield
    if report.failed:
        for process in item.config.stash[RUN].processes_of(item):
            kept = _keep_log(item.config, process)
            report.sections.append((f"log of {process.name} (whole: {kept})", process.log_tail()))
    return report


def _keep_log(config: pytest.Config, process: ServerProcess) -> str:
    """Copy a log out of the workspace, which is removed when the server stops."""
    cache = config.cache
    if cache is None:
        return "not kept without pytest's cache"
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return str(shutil.copy(process.log_path, cache.mkdir("services") / f"{process.name}-{worker}.log"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """On a worker of pytest-xdist: hand the counts to the controller."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[WORKER_OUTPUT] = session.config.stash[RUN].usage.as_rows()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """On the controller of pytest-xdist: add a worker's counts (none when it crashed)."""
    rows = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT, [])
    node.config.stash[RUN].usage.add_rows(rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print which real servers were exercised, and which were not and why. Nothing when no test wanted one."""
    usage = config.stash[RUN].usage
    if usage.asked_for():
        terminalreporter.section("real servers")
        for line in usage.table(MODULES):
            terminalreporter.line(line)
