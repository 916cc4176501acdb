"""The protocols that a Source document may name."""

from __future__ import annotations

from typing import Any

from finport_ingestion.engine.registry import Entry, Registry

PROTOCOLS: Registry[Any] = Registry(
    "protocol",
    {
        "azure_blob": Entry("finport_ingestion.engine.sources.azure_blob:AzureBlobSource"),
        "file": Entry("finport_ingestion.engine.sources.folder:FolderSource"),
        "ftp": Entry("finport_ingestion.engine.sources.ftp:FtpSource"),
        "fsspec": Entry("finport_ingestion.engine.sources.fsspec_files:FsspecSource"),
        "gcs": Entry("finport_ingestion.engine.sources.gcs:GcsSource"),
        "http": Entry("finport_ingestion.engine.sources.http_api:HttpSource"),
        "jdbc": Entry("finport_ingestion.engine.sources.jdbc:JdbcSource"),
        "kafka": Entry("finport_ingestion.engine.sources.kafka:KafkaSource"),
        "mongodb": Entry("finport_ingestion.engine.sources.mongodb:MongodbSource"),
        "redis": Entry("finport_ingestion.engine.sources.redis_keys:RedisSource"),
        "s3": Entry("finport_ingestion.engine.sources.s3:S3Source"),
        "sftp": Entry("finport_ingestion.engine.sources.sftp:SftpSource"),
        "sql": Entry("finport_ingestion.engine.sources.sql:SqlSource"),
        "websocket": Entry("finport_ingestion.engine.sources.websocket:WebsocketSource"),
    },
)
