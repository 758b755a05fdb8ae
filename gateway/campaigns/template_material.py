"""A template that is not published, for one reader: what its preview shows and its test mail is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from gateway.campaigns.mailing_preview import SAMPLE_NAME, Material
from gateway.compose import sender_profiles
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.customer_values import attribute_fields
from gateway.templates import versions
from gateway.templates.mail_warnings import MailWarning, fields_missing
from gateway.templates.merge_fields import is_of_customer
from gateway.templates.preview import Preview, render_preview
from gateway.templates.publishing import CompiledSource
from gateway.templates.versions import CompiledTemplate


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Whom a template is shown for. `values` are for its fields: the sample's, a customer's own in place of those."""

    name: str | None
    locale: str | None
    time_zone: str | None
    values: Mapping[str, str]


async def reader_of(connection: Connection, source: CompiledSource, customer_id: int | None) -> Reader | None:
    """Returns the sample's reader, or a customer with the sample's values of the template's own fields; None when there
    is no such customer that was not erased."""
    sample: dict[str, str] = dict(source.source["sample_data"])
    if customer_id is None:
        name = sample.get("customer_name", SAMPLE_NAME)
        return Reader(name=name, locale=None, time_zone=None, values=sample)
    row = await QUERIES.customer_to_preview(connection, customer_id=customer_id)
    if row is None or row["erased"]:
        return None
    given = {name: value for name, value in sample.items() if not is_of_customer(name) and name != "customer_name"}
    own = {name: value for name, value in attribute_fields(row["attributes"]).items() if name in source.fields}
    return Reader(name=row["name"], locale=row["locale"], time_zone=row["time_zone"], values={**given, **own})


async def material_of_source(
    connection: Connection,
    source: CompiledSource,
    sender_id: UUID | None,
    customer_id: int | None,
    deployment: Deployment,
) -> Material | None:
    """What a test mail of a source is made of; None as `reader_of`. Raises Refusal(NOT_FOUND) for an unknown sender."""
    sender = await sender_profiles.current(connection, sender_id, default_from=deployment.settings.default_from)
    reader = await reader_of(connection, source, customer_id)
    if reader is None:
        return None
    return Material(
        row={"bound_relay": None},
        version=versions.unpublished(source),
        sender=sender,
        values=reader.values,
        name=reader.name,
        locale=reader.locale or sender.locale,
        time_zone=reader.time_zone or sender.time_zone,
    )


def shown_for(version: CompiledTemplate, reader: Reader) -> tuple[Preview, tuple[MailWarning, ...]]:
    """A version filled in for a customer, and the values that this customer lacks. Its unsubscribe link leads nowhere.

    Raises ValueError for a built-in template.
    """
    if version.merge is None:
        raise ValueError(f"{version.name} is no campaign's template")
    shown = render_preview(version.merge, {**reader.values, "customer_name": reader.name or ""})
    lacking = [name for name in version.merge.required if is_of_customer(name) and name not in reader.values]
    return shown, (fields_missing(lacking, recipients=1),) if lacking else ()
