"""The current certificate of a process, which names it to others."""

from __future__ import annotations

from typing import Protocol

import grpc


class Certificate(Protocol):
    """One certificate of this process, all in PEM.

    ``chain`` is the leaf and what lies between it and the authority. The common name is the service's
    name, which the other side checks against a method's callers; a DNS name of the same text lets a client
    know that it speaks to the service it means.
    """

    @property
    def key(self) -> bytes:
        """The private key."""

    @property
    def chain(self) -> bytes:
        """The leaf certificate, then the intermediate ones."""

    @property
    def authority(self) -> bytes:
        """The certificates that the other side's must be signed by."""


class CertificateSource(Protocol):
    """Knows the certificate in force; renewing it is its own business."""

    def current(self) -> Certificate:
        """The certificate for connections made now. Called from any thread, often; must not block."""


Material = tuple[bytes, bytes, bytes]
"""Key, chain and authority of a :class:`Certificate`; equal when nothing was renewed."""


def material(source: CertificateSource) -> Material:
    """The key, chain and authority that ``source`` holds now."""
    certificate = source.current()
    return certificate.key, certificate.chain, certificate.authority


def server_credentials(source: CertificateSource) -> grpc.ServerCredentials:
    """Credentials that ask ``source`` at every handshake, and refuse a client without a certificate."""
    known = material(source)

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal known
        current = material(source)
        if current == known:
            return None
        known = current
        return _configuration(current)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(known),
        renewed,  # type: ignore[arg-type]  # None means no change, which grpc-stubs do not say
        require_client_authentication=True,
    )


def client_credentials(held: Material) -> grpc.ChannelCredentials:
    """Credentials of one connection; a renewed certificate takes a new one."""
    key, chain, authority = held
    return grpc.ssl_channel_credentials(root_certificates=authority, private_key=key, certificate_chain=chain)


def _configuration(held: Material) -> grpc.ServerCertificateConfiguration:
    key, chain, authority = held
    return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=authority)
