"""Business refusals in payloads."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from gateway.errors import Refusal, RefusalCode


@strawberry.type(description="Why an intent was refused. Nothing of the call was done.")
class UserError:
    """One refusal."""

    code: RefusalCode = strawberry.field(description="The kind of refusal, for programs.")
    message: str = strawberry.field(description="What is wrong and what to do, for people.")
    field: list[str] = strawberry.field(description="The path of the refused value below `input`; empty for the whole.")


def user_errors(refusals: Iterable[Refusal]) -> list[UserError]:
    """One entry a refusal."""
    return [UserError(code=one.code, message=one.message, field=list(one.field)) for one in refusals]
