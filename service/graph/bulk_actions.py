"""What can be done about many messages at once: a preview with a token, and the mutations that take nothing else.

The preview reads the filter's mail and judges it by the rules of `message { actions }`, on the primary, as the
mutations do. An action is done to mail that was shown, still matches the filter, and did not change since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated

import strawberry

from gateway.errors import Refusal, RefusalCode
from gateway.mail.action_tokens import (
    LIFE_SECONDS,
    MAX_SHOWN,
    ActionToken,
    BulkMessageAction,
    ShownMessage,
    read_action,
    sign_action,
    token_digest,
)
from gateway.mail.message import MessageRef
from gateway.outbox import bulk_actions
from gateway.outbox.bulk_actions import BulkOrder, BulkResult, JudgedMessage
from gateway.outbox.possible_actions import StayReason
from service.errors import BadInput
from service.finding.query import MessageQuery
from service.finding.walk import walk
from service.finding.wanted import resolve
from service.graph.cause_count import CauseCount, cause_counts
from service.graph.context import Context, Info
from service.graph.customer import Message
from service.graph.intent import Input
from service.graph.loaders import existing_rows
from service.graph.message_filter import MessageFilter, query_of
from service.graph.user_error import UserError

MAX_LOOKED_AT = 50_000
"""Messages of a filter that a preview looks at: some seconds."""
MAX_REFUSED = 10_000
"""Messages that it judges in vain: suppressed addresses, cancelled campaigns. What the state alone forbids is cheap."""
MAX_WALKS = 200
"""Readings of an index, each of some 10,000 rows at most where few of them pass: some seconds, too."""
AT_ONCE = 500
"""Messages that are judged by one statement."""
MAX_SAMPLE = 10
"""Messages shown whole."""

ActionArgument = Annotated[BulkMessageAction, strawberry.argument(description="Which action.")]
FilterArgument = Annotated[
    MessageFilter,
    strawberry.argument(description="Which mail; an empty filter is refused, with a search, too."),
]


@strawberry.type(description="How many messages stay as they are for one reason.")
class StayCount:
    """A part of a whole."""

    reason: StayReason = strawberry.field(description="Why.")
    messages: int = strawberry.field(description="How many.")


@strawberry.type(description="What a bulk action would do.")
class MessageActionPreview:
    """As of now."""

    token: str | None = strawberry.field(description="Give it to the mutation; null when nothing would be done.")
    expires_at: datetime = strawberry.field(description="Until when the token serves: 15 minutes.")
    messages: int = strawberry.field(description="On how many messages it would act: exact, the oldest 10,000 at most.")
    more: bool = strawberry.field(
        description="Whether more match than were looked at: preview again afterwards, or narrow the filter where "
        "nothing would be done. At most 50,000 are looked at, and 10,000 acted on."
    )
    not_allowed: int = strawberry.field(description="How many of those looked at match and do not allow it.")
    stay: list[StayCount] = strawberry.field(description="Those by the reason why, the most first.")
    causes: list[CauseCount] = strawberry.field(description="The messages by cause, the most first.")
    sample: list[Message] = strawberry.field(description="Some of them: at most ten, the oldest.")


@strawberry.input(description="Messages to try again.")
class RetryMessagesInput:
    """A preview's."""

    token: str = strawberry.field(description="Of previewMessageAction, RETRY or RETRY_TO_PRESENT_ADDRESS.")


@strawberry.input(description="Messages to take for sent.")
class AssumeSentMessagesInput:
    """A preview's."""

    token: str = strawberry.field(description="Of previewMessageAction, ASSUME_SENT.")


@strawberry.input(description="Messages to cancel.")
class CancelMessagesInput:
    """A preview's."""

    token: str = strawberry.field(description="Of previewMessageAction, CANCEL.")


@strawberry.input(description="Messages to take off the worklist.")
class DismissMessagesInput:
    """A preview's."""

    token: str = strawberry.field(description="Of previewMessageAction, DISMISS.")


@strawberry.type(
    description="What came of a bulk action; each message has its event. The same token again returns the first result."
)
class BulkMessagesPayload:
    """Either the numbers or the errors."""

    done: int = strawberry.field(default=0, description="For how many it was done.")
    skipped: int = strawberry.field(
        default=0, description="How many had changed since the preview and were left alone."
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list, description="Why nothing was done.")


# The preview -----------------------------------------------------------------------------------------------------


async def preview_message_action(
    info: Info, action: BulkMessageAction, filter: MessageFilter, search: str | None
) -> MessageActionPreview:
    """Judged within bounds; nothing is written. Raises BadInput, TooSlow."""
    context, query = info.context, query_of(filter, search, info.context.deployment)
    if replace(query, search=None, search_hash=None).is_whole:
        raise BadInput("filter", "is empty: say which mail it is about, so that it is not about all")
    looked = await _look(context, query, action)
    ends_at = int(context.clock()) + LIFE_SECONDS
    token = ActionToken(
        caller=context.actor,
        action=action,
        wanted=query.to_json(),
        shown_at=looked.shown_at,
        messages=[one.shown for one in looked.allowed],
        ends_at=ends_at,
    )
    signed = sign_action(context.deployment.keyring, token)
    if signed is None:
        raise BadInput("filter", "is too long: name fewer things in it")
    causes = Counter(one.cause for one in looked.allowed)
    keys = [(one.shown.ref.customer_id, one.shown.ref.message_id) for one in looked.allowed[:MAX_SAMPLE]]
    return MessageActionPreview(
        token=signed if looked.allowed else None,
        expires_at=datetime.fromtimestamp(ends_at, UTC),
        messages=len(looked.allowed),
        more=looked.more,
        not_allowed=looked.stay.total(),
        stay=[StayCount(reason=reason, messages=count) for reason, count in looked.stay.most_common() if count],
        causes=cause_counts(causes),
        sample=[Message.of(row) for row in await existing_rows(context.loaders.messages, keys)],
    )


@dataclass(kw_only=True, slots=True)
class _Looked:
    """What a preview found: the oldest messages that allow the action, `MAX_SHOWN` at most."""

    shown_at: datetime
    allowed: list[JudgedMessage] = field(default_factory=list)
    stay: Counter[StayReason] = field(default_factory=Counter)
    more: bool = False


async def _look(context: Context, query: MessageQuery, action: BulkMessageAction) -> _Looked:
    """Judge the filter's mail, the oldest first."""
    async with context.pools.writing_connection() as connection:
        looked = _Looked(shown_at=await bulk_actions.preview_time(connection))
    looked_at = refused = 0
    async for refs, is_last in _found(context, query):
        async with context.pools.writing_connection() as connection:
            judged = await bulk_actions.judge(connection, refs, action, context.deployment)
        allowed = [one for one in judged if one.stays is None]
        looked.stay.update(one.stays for one in judged if one.stays is not None)
        looked.stay[StayReason.STATUS] += len(refs) - len(judged)
        room = MAX_SHOWN - len(looked.allowed)
        looked.allowed += allowed[:room]
        looked_at, refused = looked_at + len(refs), refused + len(judged) - len(allowed)
        looked.more = len(allowed) > room or not is_last
        if len(allowed) > room or looked_at >= MAX_LOOKED_AT or refused >= MAX_REFUSED:
            break
    return looked


# The mutations ---------------------------------------------------------------------------------------------------


async def retry_messages(info: Info, input: Input[RetryMessagesInput]) -> BulkMessagesPayload:
    """Back to the queue, at the same address or the present one, as the preview was for."""
    return await _act(info.context, input.token, BulkMessageAction.RETRY, BulkMessageAction.RETRY_TO_PRESENT_ADDRESS)


async def assume_sent_messages(info: Info, input: Input[AssumeSentMessagesInput]) -> BulkMessagesPayload:
    """UNCERTAIN becomes ACCEPTED."""
    return await _act(info.context, input.token, BulkMessageAction.ASSUME_SENT)


async def cancel_messages(info: Info, input: Input[CancelMessagesInput]) -> BulkMessagesPayload:
    """Called back before they are sent."""
    return await _act(info.context, input.token, BulkMessageAction.CANCEL)


async def dismiss_messages(info: Info, input: Input[DismissMessagesInput]) -> BulkMessagesPayload:
    """Off the worklist; no status changes."""
    return await _act(info.context, input.token, BulkMessageAction.DISMISS)


async def _act(context: Context, text: str, *actions: BulkMessageAction) -> BulkMessagesPayload:
    """Do what the token says, or return what came of it the first time. Raises Refusal: INVALID, PREVIEW_EXPIRED."""
    token, used = _read_token(context, text, actions), token_digest(text)
    async with context.pools.writing_connection() as connection:
        result = await bulk_actions.first_result(connection, used)
    if result is None:
        if token.is_over(context.clock()):
            raise _expired("The preview is older than 15 minutes: preview again.")
        result = await _write_down(context, token, used)
    if not result.finished:
        async with context.pools.writing_connection() as connection:
            result = await bulk_actions.carry_out(connection, context.deployment, used)
        await context.wakeup.notify()
    return BulkMessagesPayload(done=result.done, skipped=result.skipped)


def _read_token(context: Context, text: str, actions: Sequence[BulkMessageAction]) -> ActionToken:
    """A token of this caller's, for one of these actions. Raises Refusal."""
    token = read_action(context.deployment.keyring, text)
    if token is None:
        raise Refusal(
            RefusalCode.INVALID,
            "This is no token of `previewMessageAction`: give the whole `token` of a preview.",
            ("token",),
        )
    if token.caller != context.actor:
        raise _expired("The preview was made by somebody else: preview it yourself.")
    if token.action not in actions:
        raise _expired("The preview is for another action: preview this one.")
    return token


def _expired(message: str) -> Refusal:
    return Refusal(RefusalCode.PREVIEW_EXPIRED, message, ("token",))


async def _write_down(context: Context, token: ActionToken, used: bytes) -> BulkResult:
    """Write down the order, of the messages that still match. Raises Refusal PREVIEW_EXPIRED for a filter of an older
    version, or of what is gone."""
    try:
        query = MessageQuery.from_json(token.wanted)
        messages = await _still_matching(context, query, token.messages)
    except (BadInput, ValueError, KeyError, TypeError) as error:
        raise _expired("Its filter cannot be read any more: preview again.") from error
    order = BulkOrder(
        token_sha256=used,
        action=token.action,
        actor=context.actor,
        shown_at=token.shown_at,
        shown=len(token.messages),
        messages=messages,
    )
    async with context.pools.writing_connection() as connection:
        return await bulk_actions.write_down(connection, order)


async def _still_matching(context: Context, query: MessageQuery, shown: Sequence[ShownMessage]) -> list[ShownMessage]:
    """Those of these messages that the filter finds now. Raises BadInput."""
    context.reading_back()
    found = set[MessageRef]()
    for start in range(0, len(shown), AT_ONCE):
        ids = tuple(one.ref for one in shown[start : start + AT_ONCE])
        async for refs, _ in _found(context, replace(query, ids=ids)):
            found.update(refs)
    return [one for one in shown if one.ref in found]


async def _found(context: Context, query: MessageQuery) -> AsyncIterator[tuple[list[MessageRef], bool]]:
    """The messages of a query, the oldest first, `AT_ONCE` at most at a time; with each, whether nothing is left. Ends
    before that after `MAX_WALKS`. Raises BadInput."""
    fetch, after = context.reading.fetch, None
    wanted = await resolve(fetch, query)
    for _ in range(MAX_WALKS):
        walked = await walk(fetch, wanted, after=after, rows=AT_ONCE, oldest_first=True)
        refs, is_last = list(walked.refs), walked.stopped is None and len(walked.refs) < AT_ONCE
        yield refs, is_last
        if is_last:
            return
        after = walked.stopped or refs[-1].message_id
