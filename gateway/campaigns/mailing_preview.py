"""A mailing as it would be, before it is sent: its parts, its size, and what would stop it or look wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.campaigns.audience_preview import audience_preview
from gateway.campaigns.counts import CountPrecision
from gateway.compose import sender_profiles
from gateway.compose.campaign import compose_campaign
from gateway.compose.headers import Facts
from gateway.compose.sender_profiles import SenderVersion
from gateway.database import QUERIES, Connection
from gateway.deployment import Deployment
from gateway.mail.campaign import LeftOutReason
from gateway.mail.customer_values import attribute_fields
from gateway.mail.letter import Mailbox
from gateway.mail.merge_data import ATTRIBUTE_FIELD
from gateway.mail.message import MessageRef
from gateway.templates import versions
from gateway.templates.html_links import page_faults
from gateway.templates.mail_warnings import (
    MailWarning,
    fields_missing,
    keys_unknown,
    postal_address_missing,
    sent_size,
    warnings_of_page,
)
from gateway.templates.merge_fields import SUPPLIED
from gateway.templates.preview import Preview, render_preview
from gateway.templates.versions import CompiledTemplate

SAMPLE_NAME = "Alex Sample"
"""Who a mailing is shown for where no customer is chosen, and the sample data names none."""
_NOBODY = MessageRef(customer_id=1, message_id=UUID(int=0))
"""No message: a preview's mail is composed for its size alone."""
_MOST_JUDGED = 20_000
"""Customers of an audience that are looked at for missing values: a fraction of a second. A larger one is not counted
here: the API's `audience` does."""
_JUDGED_SECONDS = 1.0
"""For looking at them: what the mailing looks like is shown without that number, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailingPreview:
    """The subject, the HTML and the text part; `size` is that of the whole mail in octets, before it is signed."""

    mailing_id: int
    subject: str
    html: str
    text: str
    size: int
    warnings: tuple[MailWarning, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a mailing's mail to one reader is made of. `values` are for the template's fields; `row` is the mailing's,
    as `mailing_to_preview` reads it. `name`: the customer's; `locale` and `time_zone` as for its mail."""

    row: Any
    version: CompiledTemplate
    sender: SenderVersion
    values: Mapping[str, str]
    name: str | None
    locale: str
    time_zone: str

    @property
    def bound_relay(self) -> str | None:
        """The one relay that its mail may go by; None for any."""
        relay: str | None = self.row["bound_relay"]
        return relay

    @property
    def shown_values(self) -> dict[str, str]:
        """The values, and for what has neither one nor a default its field's name in brackets."""
        required = self.version.merge.required if self.version.merge else ()
        return {name: f"[{name}]" for name in required} | dict(self.values)

    def facts(self, ref: MessageRef, to: Mailbox, mail_date: Any, deployment: Deployment, *, tracked: bool) -> Facts:
        """What composing the mail needs besides."""
        return Facts(
            ref=ref,
            mail_date=mail_date,
            to=to,
            customer_name=self.name,
            locale=self.locale,
            time_zone=self.time_zone,
            message_id_domain=self.sender.domain,
            public_url=deployment.settings.public_url,
            tracked=tracked,
        )


async def material(connection: Connection, mailing_id: int, customer_id: int | None) -> Material | None:
    """A mailing for one customer, or for the sample; None when there is no such mailing, or no such customer that was
    not erased."""
    row = await QUERIES.mailing_to_preview(connection, mailing_id=mailing_id)
    if row is None:
        return None
    version = await versions.load(connection, row["template_version_id"])
    if row["subject"] is not None:
        version = versions.with_subject(version, row["subject"])
    sender = await sender_profiles.load(connection, row["sender_version_id"])
    common = {
        "row": row,
        "version": version,
        "sender": sender,
        "name": row["sample_data"].get("customer_name", SAMPLE_NAME),
        "locale": sender.locale,
        "time_zone": sender.time_zone,
    }
    if customer_id is None:
        return Material(**common, values={**row["sample_data"], **row["merge_data"]})
    customer = await QUERIES.recipient_to_preview(
        connection, mailing_id=mailing_id, campaign_id=row["campaign_id"], customer_id=customer_id
    )
    if customer is None or customer["erased"]:
        return None
    common |= {
        "name": customer["name"],
        "locale": customer["locale"] or sender.locale,
        "time_zone": customer["time_zone"] or sender.time_zone,
    }
    own = {name: customer["attributes"][name] for name in version.attributes if name in customer["attributes"]}
    return Material(**common, values={**row["merge_data"], **customer["merge_data"], **attribute_fields(own)})


async def preview(
    connection: Connection, mailing_id: int, customer_id: int | None, deployment: Deployment
) -> MailingPreview | None:
    """A mailing as one customer, or the sample's reader, would see it; None as `material`.

    Its links are as the author wrote them, and the unsubscribe link leads nowhere.
    """
    found = await material(connection, mailing_id, customer_id)
    if found is None or found.version.merge is None:
        return None
    now = await QUERIES.database_time(connection)
    shown, size, looks = await asyncio.to_thread(_render, found, now, deployment)
    warnings = (
        *looks,
        *_without_address(found.sender),
        *await _missing(connection, found, customer_id),
        *_unknown(found),
    )
    return MailingPreview(
        mailing_id=mailing_id, subject=shown.subject, html=shown.html, text=shown.text, size=size, warnings=warnings
    )


def _render(found: Material, now: Any, deployment: Deployment) -> tuple[Preview, int, Sequence[MailWarning]]:
    """What is seen, the size of the mail, and what looks wrong. Takes as long as compiling a mail."""
    if found.version.merge is None:
        raise ValueError("no campaign's template")
    address = ", ".join((found.sender.postal_address or "").splitlines())
    values = {**found.shown_values, "postal_address": address, "customer_name": found.name or ""}
    shown = render_preview(found.version.merge, values)
    to, tracked = Mailbox(address=f"someone@{found.sender.domain}"), found.row["tracked"]
    facts = found.facts(_NOBODY, to, now, deployment, tracked=tracked)
    composed = compose_campaign(
        template=found.version,
        sender=found.sender,
        facts=facts,
        merge_data=found.shown_values,
        keyring=deployment.keyring,
    )
    octets = sent_size(len(shown.html.encode()), found.row["links"] if tracked else 0)
    looks = (*warnings_of_page(octets, page_faults(shown.html)), *versions.footer_warnings(found.version))
    return shown, len(composed.content), looks


def _without_address(sender: SenderVersion) -> tuple[MailWarning, ...]:
    return () if sender.postal_address else (postal_address_missing("The sender has no postal address"),)


async def _missing(connection: Connection, found: Material, customer_id: int | None) -> tuple[MailWarning, ...]:
    """Fields without default that have no value: for the customer that was chosen, else for how many of the audience,
    where that is quickly counted."""
    row, version = found.row, found.version
    required = [*version.required, *(ATTRIBUTE_FIELD + name for name in version.required_attributes)]
    if customer_id is not None:
        lacking = [name for name in required if name not in found.values]
        return (fields_missing(lacking, recipients=1),) if lacking else ()
    lacking = [name for name in required if name not in row["merge_data"]]
    if not lacking:
        return ()
    count = int(row["lacking"]) if row["frozen"] else await _count_lacking(connection, row["id"])
    return () if count == 0 else (fields_missing(lacking, recipients=count),)


async def _count_lacking(connection: Connection, mailing_id: int) -> int | None:
    """How many would be left out for want of a value; None when counting all takes too long."""
    reached = await audience_preview(connection, mailing_id, most=_MOST_JUDGED, seconds=_JUDGED_SECONDS)
    if reached is None or reached.precision is not CountPrecision.EXACT:
        return None
    return reached.left_out.get(LeftOutReason.MERGE_FIELD_MISSING, 0)


def _unknown(found: Material) -> tuple[MailWarning, ...]:
    unknown = [name for name in found.row["merge_data"] if name not in found.version.fields and name not in SUPPLIED]
    return (keys_unknown(sorted(unknown)),) if unknown else ()
