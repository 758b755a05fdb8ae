"""What all mutations share: their one argument, and that a refusal becomes a payload."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Annotated, Any, TypeVar, get_type_hints

import strawberry

from gateway.errors import Refusal, Refusals
from service.graph.context import Info
from service.graph.user_error import user_errors

T = TypeVar("T")
Payload = TypeVar("Payload")

Input = Annotated[T, strawberry.argument(description="All that the intent needs.")]
"""`input: Input[CreateSenderInput]`: the argument of a mutation's resolver."""


def intent(resolver: Callable[..., Awaitable[Payload]], description: str) -> Payload:
    """A mutation. Where its resolver raises Refusal or Refusals, the payload is made of `user_errors` alone."""
    payload: Callable[..., Payload] = get_type_hints(resolver)["return"]

    @wraps(resolver)
    async def resolve(info: Info, input: Any, **arguments: Any) -> Payload:
        try:
            return await resolver(info, input, **arguments)
        except Refusal as refusal:
            return payload(user_errors=user_errors([refusal]))
        except Refusals as several:
            return payload(user_errors=user_errors(several.refusals))

    declared: Payload = strawberry.mutation(resolver=resolve, description=description)
    return declared
