"""Connections between the gateway and the services."""

from daicho.gateway.clusters import of_service
from daicho.gateway.settings import Upstream
from daicho.runtime.http import QUIET_SECONDS

PROTOCOL = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def test_the_gateway_gives_a_quiet_connection_up_before_the_service_closes_it() -> None:
    """Otherwise a request may meet a connection that is being closed, and fails without a fault of anybody."""
    for cluster in of_service("customers", Upstream("127.0.0.1", 1), 10):
        options = cluster["typed_extension_protocol_options"][PROTOCOL]["common_http_protocol_options"]
        assert float(options["idle_timeout"].removesuffix("s")) < QUIET_SECONDS / 2
