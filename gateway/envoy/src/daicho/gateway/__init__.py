"""The gateway: Envoy's configuration, rendered for a laptop, Compose and Kubernetes from the same code.

:func:`render` turns :class:`Settings` into Envoy's bootstrap document; :mod:`daicho.gateway.table` is the
one list of what is reachable from outside. :func:`merge` makes one OpenAPI document of the services' own.
"""

from daicho.gateway.bootstrap import render
from daicho.gateway.openapi import merge
from daicho.gateway.settings import Rate, Settings, Upstream

__all__ = ["Rate", "Settings", "Upstream", "merge", "render"]
