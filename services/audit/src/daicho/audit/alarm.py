"""Report a forked log: a log line and a metric."""

from __future__ import annotations

from typing import Final

import structlog
from opentelemetry import metrics

from daicho.audit.faults import LogForked
from daicho.tenancy import TenantId

FORKED: Final = "daicho.audit.log_forked"
"""The counter: how often a forked log was met, by ``reason``."""

log = structlog.get_logger()
_forked = metrics.get_meter("daicho.audit").create_counter(
    FORKED, description="A tenant's audit log was found not to continue its last signed checkpoint."
)


def raise_alarm(tenant_id: TenantId, fork: LogForked) -> None:
    """Tell operators that the tenant's log is forked."""
    log.error("audit_log_forked", tenant_id=str(tenant_id), reason=fork.reason)
    _forked.add(1, {"reason": fork.reason})
