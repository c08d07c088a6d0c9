"""What differs between one gateway and the next."""

from __future__ import annotations

from typing import Annotated

import msgspec

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class Upstream(msgspec.Struct, frozen=True):
    """Where a service's REST API listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Upstream:
        """``host:port``; raises ValueError on anything else."""
        host, separator, port = text.rpartition(":")
        if not separator or not host:
            raise ValueError(f"{text!r} is not host:port")
        return cls(host.strip("[]"), int(port))


class Rate(msgspec.Struct, frozen=True):
    """A bucket of ``count`` requests that fills from empty to full in ``seconds``."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """``count/seconds``, as in ``60/60``; raises ValueError on anything else."""
        count, separator, seconds = text.partition("/")
        if not separator or int(count) < 1 or int(seconds) < 1:
            raise ValueError(f"{text!r} is not count/seconds")
        return cls(int(count), int(seconds))

    @property
    def retry_after(self) -> int:
        """Whole seconds after which an empty bucket holds a request again."""
        return -(-self.seconds // self.count)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway. Read from ``DAICHO_…`` variables by :func:`daicho.runtime.read_settings`.

    Upstreams are ``host:port``; rates are ``count/seconds``. ``trusted_hops`` is how many proxies of our own
    stand before this one: that many entries of X-Forwarded-For, from the right, are believed. TLS is on when
    ``tls_certificate`` and ``tls_key`` name PEM files. ``console_dir`` and ``docs_dir`` hold built pages;
    ``openapi_file``, named ``openapi.json``, is read anew at each request.

    ``largest_public_body``, ``largest_body`` and ``largest_upload`` are bytes of a request's body: without a token,
    with one, of a file. ``longest_public``, ``longest_request`` and ``longest_upload`` are seconds from a request's
    first byte to its answer's last; an answer that lasts (a stream, a download) may take as long as it takes, but its
    request must have arrived within ``longest_request``. ``answer_within`` counts the seconds from the end of an ordinary
    request to the end of its answer. ``most_connections`` counts clients' connections,
    ``most_streams`` the lasting answers and uploads of each service; ``largest_heap`` is the
    gateway's memory in bytes.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    identity: str
    customers: str
    audit: str
    token_audience: str = "daicho"  # noqa: S105 a claim, not a secret
    token_issuer: str = ""
    console_dir: str | None = None
    docs_dir: str | None = None
    openapi_file: str | None = None
    tls_certificate: str | None = None
    tls_key: str | None = None
    trusted_hops: int = 0
    access_log: str | None = None
    admin_port: int = 0
    largest_public_body: int = 16 * KIBIBYTE
    largest_body: int = 1 * MEBIBYTE
    largest_upload: int = 512 * MEBIBYTE
    answer_within: int = 30
    longest_public: int = 20
    longest_request: int = 60
    longest_upload: int = 1800
    most_connections: int = 20_000
    largest_heap: int = 1024 * MEBIBYTE
    most_streams: int = 512
    limit_tenant: str = "1000/1"
    limit_public: str = "600/60"
    limit_sessions: str = "60/60"
    limit_sign_ups: str = "20/600"
    limit_resets: str = "20/600"

    @property
    def tls(self) -> bool:
        """Whether the gateway itself speaks TLS."""
        return self.tls_certificate is not None and self.tls_key is not None
