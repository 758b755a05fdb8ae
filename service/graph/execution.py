"""From parameters to a result: find the document, check what it may cost, run it. The same for every transport."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, OperationType, execute, subscribe
from strawberry.execution import optimized_is_awaitable

from service.auth.callers import Caller, only_reading
from service.database import DatabasePools
from service.errors import RequestRefused
from service.graph.documents import DocumentRefused, Documents, Operation
from service.graph.limits import too_large
from service.graph.masking import unavailable
from service.graph.parameters import Parameters
from service.graph.persisted import PersistedOperations
from service.metrics import OPERATION_SECONDS, OPERATIONS, BoundedNames
from service.replicas import Replicas

MakeContext = Callable[[Caller, DatabasePools | None], Any]
"""Makes a resolver's context; the pools are those that the operation reads, None for the usual."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """An operation that may run."""

    operation: Operation
    variables: Mapping[str, Any]
    cost: int


@dataclass(slots=True)
class Execution:
    """Prepares and runs operations; a process has one."""

    schema: strawberry.Schema
    documents: Documents
    persisted: PersistedOperations
    max_cost: int
    make_context: MakeContext
    hide_suggestions: bool
    replicas: Replicas | None = None
    clock: Callable[[], float] = time.perf_counter
    _names: BoundedNames = field(init=False, default_factory=BoundedNames)

    async def prepare(self, parameters: Parameters) -> Ready:
        """The operation, found, valid and affordable. Raises RequestRefused or DocumentRefused; nothing has run."""
        try:
            return await self._prepare(parameters)
        except (RequestRefused, DocumentRefused):
            OPERATIONS.labels("", "", "refused").inc()
            raise

    async def _prepare(self, parameters: Parameters) -> Ready:
        try:
            source = await self.persisted.source(parameters)
        except RequestRefused as refused:
            if refused.status != 422:
                raise
            # A GraphQL response, not an HTTP error: APQ clients look for the code there.
            raise DocumentRefused([too_large(str(refused), refused.code)], status=422) from None
        document = self.documents.get(source)
        await self.persisted.remember(parameters, source)
        operation = document.operation(parameters.operation_name)
        if operation is None:
            raise DocumentRefused([_undetermined(parameters.operation_name, list(document.operations))], status=422)
        variables = parameters.variables or {}
        cost = operation.cost.of(variables)
        if cost > self.max_cost:
            raise DocumentRefused([self._too_costly(cost)], status=422, cost=self.cost_report(cost))
        return Ready(operation=operation, variables=variables, cost=cost)

    def cost_report(self, cost: int) -> dict[str, int]:
        """The `extensions.cost` of a response: what an operation may ask for, the limit of one, and what is left of it.
        Each operation has all of it: there is no budget over time."""
        return {"requested": cost, "limit": self.max_cost, "left": max(0, self.max_cost - cost)}

    async def run(self, ready: Ready, caller: Caller) -> ExecutionResult:
        """The result of a query or mutation; it holds the errors of resolvers. Raises RequestRefused (403) for a
        mutation of a caller who is read-only: here every transport comes by."""
        if caller.read_only and is_mutation(ready):
            self._count(ready.operation, "refused")
            raise only_reading()
        started = self.clock()
        if self.replicas is None:
            result = await self._execute(ready, caller)
        elif is_mutation(ready):
            result = await self._execute(ready, caller)
            result.extensions = await self.seen(caller)
        else:
            result = await self._read(ready, caller, self.replicas)
        name = self._count(ready.operation, "errors" if result.errors else "ok")
        OPERATION_SECONDS.labels(name).observe(self.clock() - started)
        return result

    async def _execute(self, ready: Ready, caller: Caller, pools: DatabasePools | None = None) -> ExecutionResult:
        running = execute(**self._arguments(ready, caller, pools))
        return await running if inspect.isawaitable(running) else running

    async def _read(self, ready: Ready, caller: Caller, replicas: Replicas) -> ExecutionResult:
        """A query, by a replica that has what the caller has seen. The primary is asked where there is none, where the
        replica failed, and for what it did not find: its caller may have been told of that by another way."""
        pools = await replicas.pools_for(caller)
        result = await self._execute(ready, caller, pools)
        if pools is replicas.primary:
            return result
        failed = result.errors is not None and unavailable(result.errors) is not None
        missing = result.errors is None and None in (result.data or {}).values()
        return await self._execute(ready, caller, replicas.primary) if failed or missing else result

    async def seen(self, caller: Caller) -> dict[str, Any]:
        """The `extensions` that say what the caller has seen by now, for its next query at another process; nothing
        where there are no replicas."""
        position = None if self.replicas is None else await self.replicas.note_seen(caller)
        return {} if position is None else {"consistency": position}

    async def stream(self, ready: Ready, caller: Caller) -> AsyncIterator[ExecutionResult] | ExecutionResult:
        """The results of a subscription as they come; one result when it could not begin."""
        started = subscribe(**self._arguments(ready, caller))
        if inspect.isawaitable(started):
            started = await cast(Awaitable[Any], started)
        self._count(ready.operation, "errors" if isinstance(started, ExecutionResult) else "ok")
        return cast("AsyncIterator[ExecutionResult] | ExecutionResult", started)

    def _count(self, operation: Operation, outcome: str) -> str:
        """Count one operation; returns its name as a label."""
        name = self._names.label(operation.name)
        OPERATIONS.labels(name, operation.type.value, outcome).inc()
        return name

    def _arguments(self, ready: Ready, caller: Caller, pools: DatabasePools | None = None) -> dict[str, Any]:
        return {
            "schema": self.schema._schema,
            "document": ready.operation.document,
            "context_value": self.make_context(caller, pools),
            "variable_values": dict(ready.variables),
            "operation_name": ready.operation.name,
            "executor_class": self.schema.execution_context_class,
            "is_awaitable": optimized_is_awaitable,
            "hide_suggestions": self.hide_suggestions,
            "operation_extensions": {},
        }

    def _too_costly(self, cost: int) -> GraphQLError:
        return GraphQLError(
            f"The operation may ask for {cost} objects, {self.max_cost} are allowed: "
            "use smaller `first` arguments, fewer nested lists, or two requests.",
            extensions={"code": "COST_LIMIT", "cost": self.cost_report(cost)},
        )


def is_mutation(ready: Ready) -> bool:
    """Whether running it may change something."""
    return ready.operation.type is OperationType.MUTATION


def is_subscription(ready: Ready) -> bool:
    """Whether its results are a stream."""
    return ready.operation.type is OperationType.SUBSCRIPTION


def _undetermined(name: str | None, names: list[str | None]) -> GraphQLError:
    if name is not None:
        message = f"The document has no operation named {name[:100]!r}."
    elif names:
        message = "The document has several operations: name one in operationName."
    else:
        message = "The document has no operation, only fragments."
    return GraphQLError(message, extensions={"code": "OPERATION_NOT_FOUND"})
