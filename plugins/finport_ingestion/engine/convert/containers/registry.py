"""The kinds of compression, archives and encryption that are opened."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

CONTAINERS: Registry[Any] = Registry(
    "container",
    {
        "bzip2": Entry("finport_ingestion.engine.convert.containers.bzip2_stream:Bzip2Container"),
        "gzip": Entry("finport_ingestion.engine.convert.containers.gzip_stream:GzipContainer"),
        "lz4": Entry("finport_ingestion.engine.convert.containers.lz4_stream:Lz4Container"),
        "pgp": Entry("finport_ingestion.engine.convert.containers.pgp_message:PgpContainer"),
        "snappy": Entry("finport_ingestion.engine.convert.containers.snappy_stream:SnappyContainer"),
        "tar": Entry("finport_ingestion.engine.convert.containers.tar_archive:TarContainer"),
        "xz": Entry("finport_ingestion.engine.convert.containers.xz_stream:XzContainer"),
        "zip": Entry("finport_ingestion.engine.convert.containers.zip_archive:ZipContainer"),
        "zstd": Entry("finport_ingestion.engine.convert.containers.zstd_stream:ZstdContainer"),
    },
)
