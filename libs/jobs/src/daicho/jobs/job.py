"""What a worker is handed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from daicho.tenancy import TenantId


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. ``attempt`` counts from 0 and grows with each retry."""

    name: str
    tenant_id: TenantId
    subject: UUID
    attempt: int

    def encode(self) -> bytes:
        """Tenant and subject, 16 bytes each: all that the queue's payload ever holds."""
        return self.tenant_id.bytes + self.subject.bytes


class RetryLater(Exception):
    """A handler's way to say: not now, try this job again after ``delay``."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"again in {delay.total_seconds():.0f} s")
        self.delay = delay
