"""Envoy's overload manager: limits on connections and memory, and what is refused near them."""

from __future__ import annotations

from typing import Any, Final

_MONITORS: Final = "type.googleapis.com/envoy.extensions.resource_monitors."
_HEAP: Final = "envoy.resource_monitors.fixed_heap"
# The smallest stream that counts as a large one, as a power of two in bytes: 128 KiB.
_LARGE: Final = 17


def manager(most_connections: int, largest_heap: int) -> dict[str, Any]:
    """Envoy's overload manager: at most ``most_connections`` of clients and about ``largest_heap`` bytes of memory.

    As the heap fills, idle connections and streams get shorter time-outs. Then the streams that hold the most memory are
    reset, and finally new requests get a 503.
    """
    return {
        "refresh_interval": "0.1s",
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": _LARGE},
        "resource_monitors": [
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": _MONITORS + "downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": most_connections,
                },
            },
            {
                "name": _HEAP,
                "typed_config": {
                    "@type": _MONITORS + "fixed_heap.v3.FixedHeapConfig",
                    "max_heap_size_bytes": largest_heap,
                },
            },
        ],
        "actions": [
            {
                **_action(
                    "reduce_timeouts", {"scaled": {"scaling_threshold": 0.7, "saturation_threshold": 0.9}}
                ),
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.config.overload.v3.ScaleTimersOverloadActionConfig",
                    "timer_scale_factors": [
                        {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "2s"},
                        {"timer": "HTTP_DOWNSTREAM_STREAM_IDLE", "min_timeout": "5s"},
                    ],
                },
            },
            _action("shrink_heap", {"threshold": {"value": 0.8}}),
            _action(
                "reset_high_memory_stream",
                {"scaled": {"scaling_threshold": 0.8, "saturation_threshold": 0.9}},
            ),
            _action("stop_accepting_requests", {"threshold": {"value": 0.97}}),
        ],
    }


def _action(name: str, trigger: dict[str, Any]) -> dict[str, Any]:
    return {"name": f"envoy.overload_actions.{name}", "triggers": [{"name": _HEAP, **trigger}]}
