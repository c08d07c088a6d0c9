"""A forked log shows: to the auditor, in the operator's log and metrics; other tenants' logs flow on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from structlog.testing import capture_logs

from daicho.audit.alarm import FORKED, raise_alarm
from daicho.audit.faults import REASONS, LogForked
from daicho.testkit.waiting import until


@pytest.fixture(scope="module")
def readings() -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
    yield reader
    reader.shutdown()


def counted(readings: InMemoryMetricReader, reason: str) -> int:
    data = readings.get_metrics_data()
    points = [
        point
        for resource in (data.resource_metrics if data else [])
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == FORKED
        for point in metric.data.data_points
    ]
    return sum(int(point.value) for point in points if dict(point.attributes or {}) == {"reason": reason})


async def status(company: Any, token: str | None = None) -> Any:
    async with company.client(token=token) as client:
        return await client.get("/v1/audit/status")


async def test_log_that_is_what_was_signed_is_intact(midori: Any) -> None:
    await midori.logged(await midori.change())
    async with midori.client() as client:
        signed = (await client.get("/v1/audit/checkpoint")).json()
    answer = await status(midori)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["state"], shown["reason"], shown["witnessed"]) == ("intact", None, None)
    assert shown["anchored_size"] >= signed["size"]
    assert shown["anchored_note"].startswith("daicho/audit/")
    assert shown["accepted_anew"] is False


async def test_status_is_for_who_may_read_the_audit(midori: Any, member: str) -> None:
    assert (await status(midori, token=member)).status_code == 403
    async with midori.stack.client("audit") as nobody:
        assert (await nobody.get("/v1/audit/status")).status_code == 401


async def test_forked_log_raises_the_alarm_and_others_are_signed(
    make_company: Any, aoba: Any, readings: InMemoryMetricReader
) -> None:
    company = await make_company("forked")
    await company.logged(await company.change())

    async def is_signed() -> bool:
        return bool((await status(company)).json()["anchored_size"])

    await until(is_signed)
    before = counted(readings, "head_unreadable")
    await company.admin("UPDATE log_head SET peaks = '\\x00' WHERE tenant_id = $1", company.tenant_id)
    shown = (await status(company)).json()
    assert (shown["state"], shown["reason"]) == ("forked", "head_unreadable")
    assert shown["anchored_note"] is not None
    async with company.client() as client:
        problem = await client.get("/v1/audit/checkpoint")
        assert (problem.status_code, problem.json()["code"]) == (409, "log_forked")
        assert problem.json()["reason"] == "head_unreadable"
        assert (await client.get("/v1/audit/key")).status_code == 200
    assert counted(readings, "head_unreadable") > before

    await company.change()  # it goes to the dead letters, and the partition flows on
    entry = await aoba.logged(await aoba.change())

    async def covers() -> bool:
        return int((await status(aoba)).json()["anchored_size"]) > int(entry["sequence"])

    await until(covers, within=30)


@pytest.mark.parametrize("reason", REASONS)
def test_alarm_names_tenant_and_reason(aoba: Any, reason: str) -> None:
    with capture_logs() as logged:
        raise_alarm(aoba.tenant_id, LogForked(reason=reason))
    assert logged == [
        {
            "event": "audit_log_forked",
            "log_level": "error",
            "tenant_id": str(aoba.tenant_id),
            "reason": reason,
        }
    ]
