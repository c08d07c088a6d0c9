"""What the product listens on: nothing that another machine could reach, unless HOST= opens the gateway."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address

import psutil

from daicho.gateway.table import SERVICES


def test_every_listener_of_the_whole_product_is_on_loopback(product) -> None:
    listening = set()
    for process in product.processes():
        with contextlib.suppress(psutil.NoSuchProcess):  # a connection's backend that just ended
            listening |= {
                (each.laddr.ip.removeprefix("::ffff:"), each.laddr.port)  # how gRPC writes an IPv4 address
                for each in process.net_connections("inet")
                if each.status == psutil.CONN_LISTEN
            }
    assert [(ip, port) for ip, port in listening if not ip_address(ip).is_loopback] == []
    # Each service by HTTP and gRPC; gateway, database, key store, mail and its page.
    assert len({port for _, port in listening}) >= 2 * len(SERVICES) + 5
