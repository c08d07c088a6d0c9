"""Envoy's bootstrap document: one listener, its filters, three services."""

from __future__ import annotations

from typing import Any, Final

from daicho.gateway import buffering, clusters, headers, limits, overload, problems, routing
from daicho.gateway.settings import Rate, Settings, Upstream
from daicho.gateway.table import SERVICES

_TYPES: Final = "type.googleapis.com/envoy.extensions."
_TOKEN_METADATA: Final = "token"  # noqa: S105 a name
# Cookies that hold the access token: the first where the console is reached by TLS.
ACCESS_COOKIES: Final = ("__Host-daicho_access", "daicho_access")
_KIBIBYTE: Final = 1024

# The pattern that reads Accept-Language is longer than Envoy expects of one; RE2 takes linear time with any.
_RUNTIME: Final = {
    "re2": {"max_program_size": {"error_level": 3_000}},
    # One connection's burst of HTTP/2 streams waits for its turn among the others; a client that resets most of what
    # it begins loses its connection.
    "http": {"max_requests_per_io_cycle": 10},
    "overload": {"premature_reset_total_stream_count": 200, "premature_reset_min_stream_lifetime_seconds": 1},
}


def render(settings: Settings) -> dict[str, Any]:
    """Envoy's bootstrap for ``settings``, ready to be written as JSON.

    Raises ValueError when an upstream or a rate does not read, OSError when a built page cannot be read.
    """
    upstreams = {name: Upstream.parse(getattr(settings, name)) for name in SERVICES}
    document: dict[str, Any] = {
        "layered_runtime": {"layers": [{"name": "daicho", "static_layer": _RUNTIME}]},
        "static_resources": {
            "listeners": [_listener(settings)],
            "clusters": [
                cluster
                for name, upstream in upstreams.items()
                for cluster in clusters.of_service(name, upstream, settings.most_streams)
            ],
        },
        "overload_manager": overload.manager(settings.most_connections, settings.largest_heap),
    }
    if settings.admin_port:
        document["admin"] = {"address": clusters.address_of("127.0.0.1", settings.admin_port)}
    return document


def _listener(settings: Settings) -> dict[str, Any]:
    chain: dict[str, Any] = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": _connections(settings)}
        ]
    }
    if settings.tls:
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": _TYPES + "transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                    "tls_certificates": [
                        {
                            "certificate_chain": {"filename": settings.tls_certificate},
                            "private_key": {"filename": settings.tls_key},
                        }
                    ],
                },
            },
        }
    return {
        "name": "front",
        "address": clusters.address_of(settings.host, settings.port),
        "per_connection_buffer_limit_bytes": 256 * _KIBIBYTE,
        "filter_chains": [chain],
    }


def _connections(settings: Settings) -> dict[str, Any]:
    manager: dict[str, Any] = {
        "@type": _TYPES + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "server_name": "daicho",
        "use_remote_address": True,
        "xff_num_trusted_hops": settings.trusted_hops,
        # Nobody is "internal" to Envoy: an empty list would mean loopback and the private networks.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {
                    "@type": _TYPES + "http.early_header_mutation.header_mutation.v3.HeaderMutation",
                    "mutations": headers.refused(),
                },
            }
        ],
        "generate_request_id": True,
        "always_set_request_id_in_response": True,
        # Nothing is rewritten: the first routes refuse what is not canonical.
        "normalize_path": False,
        "merge_slashes": False,
        "strip_trailing_host_dot": True,
        "max_request_headers_kb": 32,
        "common_http_protocol_options": {
            "max_headers_count": 100,
            "idle_timeout": "75s",
            # No route is without a clock: this one holds where a route names none. A route that names one
            # loses its ``timeout``, which Envoy then ignores.
            "max_stream_duration": f"{settings.longest_request}s",
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "hpack_table_size": 4096,
            "connection_keepalive": {"interval": "30s", "timeout": "10s"},
            "initial_stream_window_size": 64 * _KIBIBYTE,
            "initial_connection_window_size": 1024 * _KIBIBYTE,
        },
        "stream_idle_timeout": "60s",
        "request_headers_timeout": "10s",
        "local_reply_config": {"mappers": problems.mappers(headers.always(tls=settings.tls))},
        "http_filters": _filters(settings),
        "route_config": {
            "name": "front",
            "max_direct_response_body_size_bytes": 256 * _KIBIBYTE,
            "virtual_hosts": [{"name": "front", "domains": ["*"], "routes": routing.routes(settings)}],
            "request_headers_to_remove": ["x-envoy-external-address"],
            # One address, the one we believe: a list invites taking the wrong end of it.
            "request_headers_to_add": [
                headers.header("x-forwarded-for", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%")
            ],
        },
    }
    if settings.access_log is not None:
        manager["access_log"] = [_access_log(settings.access_log)]
    return manager


def _filters(settings: Settings) -> list[dict[str, Any]]:
    """In the order in which a request meets them."""
    return [
        {"name": "daicho.headers.always", "typed_config": _answer_headers(settings)},
        {"name": "envoy.filters.http.health_check", "typed_config": _readiness()},
        _compressor(routing.COMPRESSORS[0], "brotli", "Brotli", {"quality": 5}),
        _compressor(routing.COMPRESSORS[1], "gzip", "Gzip", {}),
        limits.by_address(),
        {"name": routing.TOKEN_FILTER, "typed_config": _token_check(settings)},
        limits.by_tenant(Rate.parse(settings.limit_tenant), _TOKEN_METADATA),
        *buffering.filters(settings.largest_body, settings.largest_upload),
        {"name": routing.FILE_HEADERS_FILTER, "typed_config": _header_mutation([])},
        {"name": routing.FILES_FILTER, "typed_config": routing.FILES_CONFIG},
        {
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": _TYPES + "filters.http.router.v3.Router",
                "suppress_envoy_headers": True,
            },
        },
    ]


def _answer_headers(settings: Settings) -> dict[str, Any]:
    """First among the filters, so last over the answers: it sees what each of the others answered."""
    return _header_mutation([{"append": option} for option in headers.always(tls=settings.tls)])


def _header_mutation(answers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": _TYPES + "filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {"response_mutations": answers},
    }


def _readiness() -> dict[str, Any]:
    """``/readyz``: 200 once every service says that it is ready, 503 until then."""
    return {
        "@type": _TYPES + "filters.http.health_check.v3.HealthCheck",
        "pass_through_mode": False,
        "headers": [{"name": ":path", "string_match": {"exact": "/readyz"}}],
        "cluster_min_healthy_percentages": {name: {"value": 1} for name in SERVICES},
    }


def _token_check(settings: Settings) -> dict[str, Any]:
    provider: dict[str, Any] = {
        "audiences": [settings.token_audience],
        "require_expiration": True,
        "clock_skew_seconds": 30,
        "forward": True,  # services verify it again
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        "from_cookies": list(ACCESS_COOKIES),
        "payload_in_metadata": _TOKEN_METADATA,
        "jwt_cache_config": {"jwt_cache_size": 10_000, "jwt_max_token_size": 4096},
        "remote_jwks": {
            "http_uri": {
                "uri": "http://identity/.well-known/jwks.json",
                "cluster": "identity",
                "timeout": "2s",
            },
            "cache_duration": "60s",
            "async_fetch": {"fast_listener": True, "failed_refetch_duration": "0.2s"},
        },
    }
    if settings.token_issuer:
        provider["issuer"] = settings.token_issuer
    return {
        "@type": _TYPES + "filters.http.jwt_authn.v3.JwtAuthentication",
        "providers": {"identity": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "identity"}}],
        "strip_failure_response": True,
    }


def _compressor(name: str, library: str, message: str, options: dict[str, Any]) -> dict[str, Any]:
    squeezed = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
    return {
        "name": name,
        "typed_config": {
            "@type": _TYPES + "filters.http.compressor.v3.Compressor",
            "choose_first": library == "brotli",
            "response_direction_config": {
                "common_config": {
                    "min_content_length": 1024,
                    "content_type_matcher": [{"prefix": kind} for kind in squeezed],
                }
            },
            "compressor_library": {
                "name": library,
                "typed_config": {
                    "@type": f"{_TYPES}compression.{library}.compressor.v3.{message}",
                    **options,
                },
            },
        },
    }


def _access_log(path: str) -> dict[str, Any]:
    """One JSON line a request: no query, no address, no header that a person wrote."""
    line = {
        "at": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ_WITHOUT_QUERY(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "why": "%RESPONSE_CODE_DETAILS%",
        "milliseconds": "%DURATION%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "upstream": "%UPSTREAM_CLUSTER%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "trace": "%REQ(TRACEPARENT)%",
    }
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": _TYPES + "access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": {
                "json_format": line,
                "formatters": [
                    {
                        "name": "envoy.formatter.req_without_query",
                        "typed_config": {"@type": _TYPES + "formatter.req_without_query.v3.ReqWithoutQuery"},
                    }
                ],
            },
        },
    }
