"""Credentials that a provider's own hook obtains: a role that is assumed, a profile, the machine's own identity.

The engine knows keys and tokens; how Airflow's providers come by them stays theirs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from finport_ingestion.engine.connections import ConnectionSpec
from finport_ingestion.engine.errors import AccessDenied, SourceUnavailable

_AWS_WAYS = ("role_arn", "assume_role_method", "assume_role_kwargs", "profile_name", "config_kwargs", "session_kwargs")


def with_provided(spec: ConnectionSpec) -> ConnectionSpec:
    """`spec` with the credentials that its provider's hook finds, where it holds none that can be used as they are.

    Raises:
        AccessDenied, SourceUnavailable: The provider gives none, or does not answer.
    """
    adapt = _PROVIDED.get(spec.kind)
    return adapt(spec) if adapt else spec


def _aws(spec: ConnectionSpec) -> ConnectionSpec:
    if spec.login and not any(way in spec.extra for way in _AWS_WAYS):
        return spec
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from botocore import exceptions as aws

    try:
        session = AwsBaseHook(aws_conn_id=spec.id, client_type="sts").get_session()
        given = session.get_credentials()
    except (aws.ConnectionError, aws.HTTPClientError) as error:
        raise SourceUnavailable(
            f"connection '{spec.id}': AWS does not answer ({type(error).__name__}).",
            hint="try later; check the network",
        ) from None
    except (aws.BotoCoreError, aws.ClientError) as error:
        raise AccessDenied(
            f"connection '{spec.id}': AWS gives no credentials ({type(error).__name__}).",
            hint="check the role, its trust policy and the keys that assume it",
        ) from None
    if given is None:
        raise AccessDenied(
            f"connection '{spec.id}': it holds no keys, and AWS gives this machine none.",
            hint="fill in the connection's login and password, or give the worker a role",
        )
    found = given.get_frozen_credentials()
    extra = {name: value for name, value in spec.extra.items() if name not in _AWS_WAYS}
    if found.token:
        extra["aws_session_token"] = found.token
    return dataclasses.replace(spec, login=found.access_key, extra=extra, secret=lambda: str(found.secret_key))


_PROVIDED: dict[str, Callable[[ConnectionSpec], ConnectionSpec]] = {"aws": _aws}
