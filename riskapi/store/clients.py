"""Clients of the store, each made from a URL: standalone, unix socket, Sentinel and Cluster.

==================  ==========================================================================
``redis://``        ``redis://[user:password@]host[:6379][/db]``; ``rediss://`` is the same over TLS
``unix://``         ``unix:///path/to/socket[?db=0]``
``redis+sentinel``  ``redis+sentinel://[user:password@]h1:26379,h2:26379[/db]?service=mymaster``, and
                    ``&sentinel_username=…&sentinel_password=…`` where the sentinels ask for one
``redis+cluster``   ``redis+cluster://[user:password@]h1:7000,h2:7001``
==================  ==========================================================================

``rediss+sentinel://`` and ``rediss+cluster://`` speak TLS to the data nodes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from riskapi.errors import ConfigurationError

#: Ports of the software where the URL names none: https://valkey.io/topics/sentinel/ and the default configuration.
_PORT, _SENTINEL_PORT = 6379, 26379


def connect(url: str, timeout: float) -> redis.Redis | RedisCluster:
    """A client for ``url``. Standalone and Sentinel connect at first use, Cluster at once.

    ``timeout`` is how long an answer is waited for, in seconds; connecting is given half of it.

    Raises:
        ConfigurationError: the URL is not one this takes.
        redis.RedisError: no node of the cluster answered.
    """
    parts = urlsplit(url)
    try:
        if parts.scheme.endswith("+sentinel"):
            return _sentinel(parts, timeout)
        if parts.scheme.endswith("+cluster"):
            return _cluster(parts, timeout)
        if parts.scheme != "unix" and not parts.path.strip("/").isdecimal() and parts.path.strip("/"):
            raise ValueError("the path of the URL is the number of the database")
        client = redis.Redis.from_url(url, **_options(timeout))
        client.connection_pool.make_connection()  # finds an option that does not exist
    except (TypeError, ValueError) as error:
        raise ConfigurationError("environment", "REDIS_URL", str(error)) from None
    return client


def _options(timeout: float) -> dict[str, Any]:
    """Nothing is sent on connecting that is not needed, and nothing is retried: the store does that, once."""
    return {
        "protocol": 2,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout / 2,
        "health_check_interval": 0,
        "max_connections": 10_000,
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
    }


def _secure(parts: SplitResult) -> dict[str, Any]:
    return {"ssl": True} if parts.scheme.startswith("rediss") else {}


def _credentials(parts: SplitResult) -> dict[str, str]:
    found = {"username": parts.username, "password": parts.password}
    return {name: unquote(value) for name, value in found.items() if value}


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    hosts = []
    for text in parts.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{text}")
        if not one.hostname:
            raise ValueError("an address between the commas is empty")
        hosts.append((one.hostname, one.port or port))
    return hosts


def _query(parts: SplitResult, *known: str) -> dict[str, str]:
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    for name in query:
        if name not in known:
            raise ValueError(f"option {name} is not one of {', '.join(known) or 'none'}")
    return query


def _sentinel(parts: SplitResult, timeout: float) -> redis.Redis:
    query = _query(parts, "service", "db", "sentinel_username", "sentinel_password")
    if "service" not in query:
        raise ValueError("a Sentinel URL ends with ?service= and the name of the master")
    database = query.get("db", parts.path.strip("/") or "0")
    if not database.isdecimal():
        raise ValueError("the path of a Sentinel URL is the number of the database")
    login = {name: query[f"sentinel_{name}"] for name in ("username", "password") if f"sentinel_{name}" in query}
    options = _options(timeout)
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(parts, _SENTINEL_PORT),
        sentinel_kwargs={**options, **login},
        **options,
        **_credentials(parts),
        **_secure(parts),
        db=int(database),
    )
    client: redis.Redis = sentinel.master_for(query["service"])
    return client


def _cluster(parts: SplitResult, timeout: float) -> RedisCluster:
    _query(parts)
    if parts.path.strip("/") not in ("", "0"):
        raise ValueError("a cluster has database 0 only")
    nodes = [ClusterNode(host, port) for host, port in _hosts(parts, _PORT)]  # type: ignore[no-untyped-call]
    # A moved slot or a failover is found out about by being told; these few tries follow it.
    retry = Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 3)
    options = {**_options(timeout), **_credentials(parts), **_secure(parts), "retry": retry}
    return RedisCluster(startup_nodes=nodes, **options)


def is_cluster(url: str) -> bool:
    """Whether :func:`connect` would connect at once."""
    return urlsplit(url).scheme.endswith("+cluster")
