"""Connections to the services: two groups for each, so that long answers leave room for short ones."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from daicho.gateway.settings import Upstream

_TYPES: Final = "type.googleapis.com/envoy.extensions."
_ORDINARY: Final = {"max_connections": 1024, "max_pending_requests": 4096, "max_requests": 8192}
# One in so many streams may wait for its connection, since many begin at once when a gateway restarts. Over HTTP/1 Envoy
# also queues here what comes when all connections are taken; what does not fit into the queue is refused.
_OPENING: Final = 4


def of_service(name: str, upstream: Upstream, most_streams: int) -> list[dict[str, Any]]:
    """The clusters of service ``name``: for ordinary requests, and for at most ``most_streams`` lasting ones."""
    streams = {
        "max_connections": most_streams,
        "max_pending_requests": max(1, most_streams // _OPENING),
        "max_requests": most_streams,
    }
    return [_cluster(name, upstream, _ORDINARY), _cluster(for_streams(name), upstream, streams)]


def for_streams(service: str) -> str:
    """The name of the cluster that carries the lasting requests of ``service``."""
    return f"{service}-streams"


def _cluster(name: str, upstream: Upstream, most: dict[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "type": "STATIC" if _is_address(upstream.host) else "STRICT_DNS",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": address_of(upstream.host, upstream.port)}}]}
            ],
        },
        # Every service's replicas are asked whether they are ready. When none is, requests still go to
        # them all (Envoy's panic threshold): a service says better than we do what it lacks.
        "health_checks": [
            {
                "timeout": "2s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_interval": "0.2s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/readyz", "host": name},
            }
        ],
        "circuit_breakers": {"thresholds": [most]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": _TYPES + "upstreams.http.v3.HttpProtocolOptions",
                # Shorter than the services keep a quiet connection (15 s), so that we never send a request
                # into one that they are closing.
                "common_http_protocol_options": {"idle_timeout": "3s"},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def address_of(host: str, port: int) -> dict[str, Any]:
    """A socket address in Envoy's words."""
    return {"socket_address": {"address": host, "port_value": port}}


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
