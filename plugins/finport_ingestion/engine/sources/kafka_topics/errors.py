"""librdkafka's errors in our kinds, by its codes; its texts may repeat what a server sent."""

from __future__ import annotations

from confluent_kafka import KafkaError

from finport_ingestion.engine.errors import (
    AccessDenied,
    ConfigError,
    FinportError,
    PermanentError,
    SourceItemMissing,
    SourceUnavailable,
)
from finport_ingestion.engine.sources.kafka_topics import codes

_NOT_ENTITLED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
}
_NOT_THERE = {KafkaError.UNKNOWN_TOPIC_OR_PART, codes.NO_TOPIC, codes.NO_PARTITION}
_CERTIFICATE_WANTED = ("alert number 116", "alert number 42", "certificate required")
_OLD_TLS = ("alert handshake failure", "protocol version", "unsupported protocol", "no protocols available")


def translated(error: KafkaError, *, what: str, connection_id: str) -> FinportError:
    """The error as ours; what is not known better is tried again where librdkafka would."""
    code = error.code()
    if code in (codes.LOGIN_REFUSED, KafkaError.SASL_AUTHENTICATION_FAILED):
        return AccessDenied(
            f"{what}: the login is refused.",
            hint=f"check login, password and sasl.mechanism of connection '{connection_id}', or the source's token",
        )
    if code in _NOT_ENTITLED:
        return AccessDenied(
            f"{what} may not be read.", hint=f"let the user of connection '{connection_id}' Read and Describe the topic"
        )
    if code in _NOT_THERE:
        return SourceItemMissing(f"{what} is not there.", hint="check 'topic' of the source")
    if code == codes.TLS:
        return _of_tls(error.str(), what=what)
    if code == codes.NO_BROKER:
        return SourceUnavailable(f"{what}: no broker answers.", hint="try later; check the brokers")
    if error.fatal():
        return PermanentError(f"{what}: the client fails ({error.name()}).", hint="report this source")
    return SourceUnavailable(f"{what}: the cluster cannot serve now ({error.name()}).", hint="try later")


def _of_tls(words: str, *, what: str) -> FinportError:
    if "certificate verify failed" in words:
        return ConfigError(
            f"{what}: a broker's certificate is not trusted, or is of another name.",
            hint="name the authority that signed it as 'ca_file' in the connection's extra; it is always checked",
        )
    if any(sign in words for sign in _CERTIFICATE_WANTED):
        return AccessDenied(
            f"{what}: a broker wants a client certificate, or another one.",
            hint="name PEM files as client_cert_file and client_key_file in the connection's extra",
        )
    if any(sign in words for sign in _OLD_TLS):
        return ConfigError(
            f"{what}: a broker speaks no TLS version that is accepted here.",
            hint="ask for TLS 1.3, or state security.minTls 1.2 with a reason",
        )
    return SourceUnavailable(f"{what}: TLS with a broker fails.", hint="try later; check port and security.protocol")


def is_decisive(error: KafkaError) -> bool:
    """Whether the client's own tries will not help."""
    return error.fatal() or error.code() in (
        *(codes.LOGIN_REFUSED, codes.TLS, codes.NO_BROKER),
        KafkaError.SASL_AUTHENTICATION_FAILED,
    )
