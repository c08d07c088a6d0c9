"""What every service is told by its environment; see ``docs/guide/operators.md`` for each."""

from __future__ import annotations

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Read from ``DAICHO_…`` variables by :func:`daicho.runtime.read_settings`. Ports of 0 take free ones.

    ``…_requests`` are ``places/per_tenant``: how many requests of a class are handled at once, in all and of one tenant
    (of ``public`` ones: of one address). ``heavy_pool`` has a connection for each heavy and each bulk place.
    """

    database_url: str
    relay_database_url: str
    vault_addr: str
    vault_role_id: str
    vault_secret_id: str
    bus_url: str
    public_url: str
    identity_http: str
    identity_grpc: str
    customers_grpc: str = ""
    audit_grpc: str = ""
    smtp_url: str = "smtp://127.0.0.1:25"
    files_dir: str = ""
    host: str = "127.0.0.1"
    http_port: int = 0
    grpc_port: int = 0
    database_pool: int = 10
    heavy_pool: int = 6
    witness_url: str = ""
    witness_key: str = ""
    light_requests: str = "8/4"
    heavy_requests: str = "4/2"
    bulk_requests: str = "2/1"
    public_requests: str = "8/4"
    otlp_endpoint: str | None = None
    log_level: str = "INFO"
