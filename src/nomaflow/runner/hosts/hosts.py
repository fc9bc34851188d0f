"""All hosts of this process; the step type says which of them executes an attempt."""

import asyncio
from collections.abc import Mapping
from typing import Any

from nomaflow.runner.hosts.base import AttemptRequest, Host, Listener
from nomaflow.steps.base import HostKind, Output
from nomaflow.steps.registry import StepTypes


class Hosts:
    """Executes attempts, each where its step type belongs."""

    def __init__(self, types: StepTypes, hosts: Mapping[HostKind, Host]) -> None:
        self._types = types
        self._hosts = dict(hosts)

    async def run(self, request: AttemptRequest, listener: Listener) -> Output:
        """Execute one attempt and return its output.

        Raises a NomaflowError, StepFailed with type and traceback for the user's and the drivers'
        own exceptions. Cancelling the task stops the work first, within the grace, and raises
        CancelledError when it is gone or was abandoned.
        """
        step: Any = self._types.find(request.step_type)
        host = self._hosts[request.spec.asked_host() or step.host]
        return await host.run(step, request, listener)

    async def close(self) -> None:
        """Stop whatever still executes; kills every child process."""
        await asyncio.gather(*(host.close() for host in self._hosts.values()))
