"""gRPC that other services ask."""

from __future__ import annotations

from typing import Any

from daicho.audit.checkpoints import Checkpoints
from daicho.contracts.audit.v1 import audit_pb2, audit_pb2_grpc
from daicho.rpc import current_actor


class LogServicer(audit_pb2_grpc.LogServiceServicer):
    """``daicho.audit.v1.LogService``."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    async def GetCheckpoint(self, request: Any, context: Any) -> audit_pb2.GetCheckpointResponse:  # noqa: ARG002, N802 - the generated base's signature
        """The newest signed checkpoint of the caller's tenant; the first one is signed now."""
        signed = await self._checkpoints.newest(current_actor().tenant_id)
        point = signed.checkpoint
        return audit_pb2.GetCheckpointResponse(size=point.size, root=point.root, note=signed.note)
