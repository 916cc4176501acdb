"""HDFS with its web service (WebHDFS): one name node and one data node in one Java process, files on the local disk.

Whoever says that he is `finport` may do everything; it asks nobody for a password.
"""

from __future__ import annotations

import secrets
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.builders import find_built, maven_jars
from tests.services.process import ServerCommand, ServerProcess, free_port
from tests.services.service import Build, Found, Install, Missing, Service, Workspace

if TYPE_CHECKING:
    from tests.services.plugin import StartService

VERSION = "3.4.2"
USER = "finport"
_PROGRAM = """
import java.io.File;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

public class Hdfs {
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        configuration.set("dfs.datanode.hostname", "127.0.0.1");
        MiniDFSCluster.Builder builder = new MiniDFSCluster.Builder(configuration, new File(arguments[0]));
        builder.numDataNodes(1).nameNodeHttpPort(Integer.parseInt(arguments[1])).build().waitActive();
        Thread.sleep(Long.MAX_VALUE);
    }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdfs:
    """A running cluster; `port` is that of the name node's web service."""

    port: int
    process: ServerProcess

    def client(self) -> Any:
        """fsspec's own client, to write what tests read."""
        import fsspec

        return fsspec.filesystem("webhdfs", host="127.0.0.1", port=self.port, user=USER, use_listings_cache=False)


def _make(folder: Path) -> None:
    maven_jars(
        folder,
        [
            f"org.apache.hadoop:hadoop-client-minicluster:{VERSION}",
            f"org.apache.hadoop:hadoop-client-runtime:{VERSION}",
            "javax.xml.bind:jaxb-api:2.3.1",
            "org.slf4j:slf4j-nop:1.7.36",
        ],
    )


BUILD = Build(version=VERSION, make=_make)


def find() -> Found | Missing:
    """The jars that Maven brought, and Java to run them."""
    return find_built("hdfs", BUILD, file=f"hadoop-client-minicluster-{VERSION}.jar", tool="java")


@contextmanager
def start(workspace: Workspace, found: Found) -> Iterator[Hdfs]:
    """Run both nodes on free ports."""
    port, program, data = free_port(), workspace.folder / "Hdfs.java", workspace.folder / "data"
    program.write_text(_PROGRAM)
    data.mkdir()
    java = [str(shutil.which("java")), "-XX:+UseSerialGC", "-Xmx384m", "-cp", f"{found.path.parent}/*"]
    command = ServerCommand(
        arguments=[*java, str(program), str(data), str(port)],
        folder=workspace.folder,
        environment={"HADOOP_USER_NAME": USER, "HOME": str(workspace.folder), "PATH": "/usr/bin:/bin"},
        ready_seconds=240,
    )
    status = f"http://127.0.0.1:{port}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"

    def answers() -> bool:
        try:
            with urllib.request.urlopen(status, timeout=5) as reply:
                return b'"NumLiveDataNodes" : 1' in reply.read()
        except OSError:
            return False

    with workspace.serve("hdfs", command=command, probe=answers) as process:
        yield Hdfs(port=port, process=process)


SERVICE: Service[Hdfs] = Service(
    name="hdfs",
    summary="file systems by fsspec (WebHDFS)",
    fixture="hdfs",
    find=find,
    install=Install(build=BUILD),
    start=start,
)


@pytest.fixture(scope="session")
def hdfs(start_service: StartService) -> Hdfs:
    """One HDFS for the session."""
    return start_service(SERVICE)


@pytest.fixture
def hdfs_folder(hdfs: Hdfs) -> Iterator[str]:
    """A folder that only this test uses, and nobody but the owner may look into."""
    client, folder = hdfs.client(), f"/test-{secrets.token_hex(6)}"
    client.mkdir(folder)
    client.chmod(folder, "700")
    yield folder
    if client.exists(folder):
        client.rm(folder, recursive=True)
