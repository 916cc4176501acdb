"""Kafka: how a cluster is reached, which offsets a run takes, and the messages of a range."""
