"""Buckets: one for each address on the doors that need no token, one for each tenant behind them.

A descriptor whose entry has no value is a pattern: each value that turns up gets a bucket of its own.
"""

from __future__ import annotations

from typing import Any, Final

from daicho.gateway.headers import header
from daicho.gateway.settings import Rate

TENANT_FILTER: Final = "daicho.limit.tenant"
ADDRESS_FILTER: Final = "daicho.limit.address"
_TYPE: Final = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"

# As many buckets are kept at a time; the one longest unused goes first.
_BUCKETS: Final = 20_000
_UNLIMITED: Final = {"max_tokens": 4_000_000_000, "tokens_per_fill": 4_000_000_000, "fill_interval": "1s"}

# An IPv6 subscriber holds at least a /64: their addresses count as one.
_BY_ADDRESS: Final = {"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}}


def by_tenant(rate: Rate, token_metadata: str) -> dict[str, Any]:
    """The filter behind the token check: a bucket for each ``tid`` of a verified token."""
    action = {
        "metadata": {
            "descriptor_key": "tenant",
            "source": "DYNAMIC",
            "metadata_key": {
                "key": "envoy.filters.http.jwt_authn",
                "path": [{"key": token_metadata}, {"key": "tid"}],
            },
            "skip_if_absent": True,
        }
    }
    return {"name": TENANT_FILTER, "typed_config": _limit("tenant", rate, action, "tenant")}


def by_address() -> dict[str, Any]:
    """The filter before the token check: it limits only where a route says how."""
    return {
        "name": ADDRESS_FILTER,
        "typed_config": {"@type": _TYPE, "stat_prefix": "address"},
    }


def of_route(name: str, rate: Rate) -> dict[str, Any]:
    """A route's own bucket for each address; ``name`` tells the routes' buckets apart in the statistics."""
    return {ADDRESS_FILTER: _limit(name, rate, _BY_ADDRESS, "masked_remote_address")}


def _limit(name: str, rate: Rate, action: dict[str, Any], key: str) -> dict[str, Any]:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "@type": _TYPE,
        "stat_prefix": name,
        "token_bucket": _UNLIMITED,
        "always_consume_default_token_bucket": False,
        "filter_enabled": always,
        "filter_enforced": always,
        "max_dynamic_descriptors": _BUCKETS,
        "rate_limits": [{"actions": [action]}],
        "descriptors": [
            {
                "entries": [{"key": key}],
                "token_bucket": {
                    "max_tokens": rate.count,
                    "tokens_per_fill": rate.count,
                    "fill_interval": f"{rate.seconds}s",
                },
            }
        ],
        "response_headers_to_add": [header("retry-after", str(rate.retry_after))],
    }
