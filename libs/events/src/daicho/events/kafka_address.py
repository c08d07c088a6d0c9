"""Where Kafka is and how a service proves itself to it: all in one address.

::

    kafka://host:port[,host:port]                                        no TLS: a broker on this machine, tests
    kafkas://host:port?ca=/etc/daicho/kafka-ca.pem                       TLS
    kafkas://customers:password@host:port?ca=…                           TLS, SASL SCRAM-SHA-512
    kafkas://host:port?ca=…&cert=/etc/daicho/tls.crt&key=/etc/daicho/tls.key    TLS, client certificate

``mechanism=SCRAM-SHA-256`` chooses the other SCRAM. Without ``ca`` the machine's own authorities count. Host names
are always verified. A password over a connection without TLS is refused.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

_SCHEMES: Final = {"kafka": False, "kafkas": True}
_MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_OPTIONS: Final = frozenset(["ca", "cert", "key", "mechanism"])


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """A parsed address."""

    servers: str
    tls: bool = False
    username: str = ""
    password: str = ""
    mechanism: str = _MECHANISMS[0]
    ca: str = ""
    certificate: str = ""
    key: str = ""

    @classmethod
    def parse(cls, url: str) -> KafkaAddress:
        """Parse ``url``; ValueError, without the password, when it is not such an address."""
        scheme, found, rest = url.partition("://")
        if not found or scheme not in _SCHEMES:
            raise ValueError("the bus's address begins with kafka:// or kafkas://")
        place, _, query = rest.partition("?")
        login, _, servers = place.rpartition("@")
        username, _, password = login.partition(":")
        options = dict(parse_qsl(query, strict_parsing=bool(query)))
        if unknown := options.keys() - _OPTIONS:
            raise ValueError(f"unknown in the bus's address: {', '.join(sorted(unknown))}")
        made = cls(
            servers=servers.rstrip("/"),
            tls=_SCHEMES[scheme],
            username=unquote(username),
            password=unquote(password),
            mechanism=options.get("mechanism", _MECHANISMS[0]),
            ca=options.get("ca", ""),
            certificate=options.get("cert", ""),
            key=options.get("key", ""),
        )
        made._check()
        return made

    def settings(self) -> dict[str, Any]:
        """The settings of aiokafka's clients. Files are read now: each new client sees a renewed certificate."""
        settings: dict[str, Any] = {"bootstrap_servers": self.servers}
        if self.tls:
            context = ssl.create_default_context(cafile=self.ca or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
            settings["ssl_context"] = context
            settings["security_protocol"] = "SASL_SSL" if self.username else "SSL"
        if self.username:
            settings["sasl_mechanism"] = self.mechanism
            settings["sasl_plain_username"] = self.username
            settings["sasl_plain_password"] = self.password
        return settings

    def _check(self) -> None:
        if not self.servers:
            raise ValueError("the bus's address names no server")
        if not self.tls and (self.username or self.ca or self.certificate):
            raise ValueError("a password or a certificate goes over TLS alone: write kafkas://")
        if bool(self.username) != bool(self.password):
            raise ValueError("the bus's address has a user or a password, and not both")
        if bool(self.certificate) != bool(self.key):
            raise ValueError("cert= and key= belong together in the bus's address")
        if self.mechanism not in _MECHANISMS:
            raise ValueError(f"mechanism= is {' or '.join(_MECHANISMS)}")
