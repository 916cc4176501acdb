"""librdkafka's own codes, which the client spells with an underscore although they are public."""
# ruff: noqa: SLF001

from __future__ import annotations

from confluent_kafka import KafkaError

NO_BROKER = KafkaError._ALL_BROKERS_DOWN
NO_TRANSPORT = KafkaError._TRANSPORT
TIMED_OUT = KafkaError._TIMED_OUT
LOGIN_REFUSED = KafkaError._AUTHENTICATION
TLS = KafkaError._SSL
NO_TOPIC = KafkaError._UNKNOWN_TOPIC
NO_PARTITION = KafkaError._UNKNOWN_PARTITION
END_OF_PARTITION = KafkaError._PARTITION_EOF
NO_SUCH_OFFSET = KafkaError._AUTO_OFFSET_RESET
