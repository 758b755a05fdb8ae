"""Templates and their generic preview."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry
from asyncpg import Record

from gateway.templates import mail_warnings, versions
from gateway.templates.html_links import MAX_LINES
from gateway.templates.mail_warnings import MailWarningCode
from gateway.templates.versions import CompiledTemplate
from service.database import statement
from service.graph.connection import After, Connection, First, read_number_window, read_window
from service.graph.context import Info
from service.graph.loaders import existing_row, existing_rows
from service.graph.node import Node, row_global_id
from service.graph.row import FromRow
from service.graph.scalars import Json
from service.graph.search_patterns import read_part
from service.shape.field import column

TEMPLATES_PAGE = statement("templates_page")


@strawberry.type(description="What a template looks like, with its sample data: never a customer's.")
class EmailPreview(FromRow):
    """Over a row of template_version."""

    subject: str = strawberry.field(description="The subject line.", metadata=column("v.preview_subject"))
    html: str = strawberry.field(
        description="The HTML part; show it in a sandboxed frame only.", metadata=column("v.preview_html")
    )
    text: str = strawberry.field(description="The text part.", metadata=column("v.preview_text"))


@strawberry.enum(description="What a template is written in.")
class TemplateKind(Enum):
    """By the source that a version has."""

    MJML = strawberry.enum_value("MJML", description="MJML, which becomes HTML for mail programs.")
    HTML = strawberry.enum_value("HTML", description="HTML.")


@strawberry.type(description="Something to mend before sending.")
class MailWarning:
    """Over a warning of the gateway."""

    code: MailWarningCode = strawberry.field(description="What kind.")
    message: str = strawberry.field(description="What is wrong and what to do.")
    blocking: bool = strawberry.field(description="Whether a launch is refused for it.")
    recipients: int | None = strawberry.field(
        description="For how many of the audience; null when it is the same for all, or they are too many to count."
    )
    lines: list[int] = strawberry.field(
        description=f"Lines of the source that it is about, from 1, at most {MAX_LINES}; empty where it is about none "
        "of them, or where only the published mail was looked at."
    )

    @classmethod
    def of_all(cls, warnings: Iterable[mail_warnings.MailWarning]) -> list[MailWarning]:
        """Returns these as the API shows them."""
        return [
            cls(
                code=one.code,
                message=one.message,
                blocking=one.blocking,
                recipients=one.recipients,
                lines=list(one.lines),
            )
            for one in warnings
        ]


@strawberry.type(description="A mail template. Publishing the same name again makes a new version.")
class Template(FromRow, Node):
    """Over a row of template with its newest version."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("Template", self.row["id"])

    name: str = strawberry.field(description="Its name.")
    version: int = strawberry.field(description="The number of its newest version; versions never change.")
    fields: list[str] = strawberry.field(
        description="The merge fields that the newest version uses: its own, and customer.attributes.NAME. What always "
        "has a value is left out: customer.name (customer_name), unsubscribe_url, postal_address."
    )
    has_unsubscribe: bool = strawberry.field(
        description="Whether its newest version was found to show the unsubscribe link when it was published. Versions "
        "of earlier days may show it in one part only, or not at all: launchCampaign looks itself, and refuses those."
    )

    @strawberry.field(description="How many campaigns have a mailing of it, in whichever version; archived ones, too.")
    async def used_by(self, info: Info) -> int:
        """One statement a page of templates."""
        row = await info.context.loaders.template_uses.load(self.row["id"])
        return row["campaigns"] if row else 0

    @strawberry.field(description="The newest version with its sample data.")
    async def preview(self, info: Info) -> EmailPreview:
        """One statement a page of templates."""
        return EmailPreview.of(await existing_row(info.context.loaders.previews, self.row["template_version_id"]))

    @strawberry.field(description="Its newest version.")
    async def newest(self, info: Info) -> TemplateVersion:
        """One statement a page of templates."""
        row = await existing_row(info.context.loaders.template_versions, self.row["template_version_id"])
        return TemplateVersion.of(row)

    @strawberry.field(description="All its versions, newest first.")
    async def versions(self, info: Info, first: First = 50, after: After = None) -> Connection[TemplateVersion] | None:
        """Two statements a page of templates. Raises BadInput."""
        window, loaders = read_number_window(first, after), info.context.loaders
        rows = await loaders.versions(window).load(self.row["id"])
        shown = await existing_rows(loaders.template_versions, [row["id"] for row in rows[: window.first]])
        return window.connect([TemplateVersion.of(row) for row in shown], [str(row["number"]) for row in rows])


@strawberry.type(description="One version of a template; it never changes.")
class TemplateVersion(FromRow, Node):
    """Over a row of template_version."""

    @strawberry.field(description="The id, unique over all types.")
    def id(self) -> strawberry.ID:
        """Global id."""
        return row_global_id("TemplateVersion", self.row["id"])

    @strawberry.field(description="Its template.")
    async def template(self, info: Info) -> Template:
        """One statement a page of versions."""
        return Template.of(await existing_row(info.context.loaders.templates, self.row["template_id"]))

    number: int = strawberry.field(description="1 is the first.")
    subject: str = strawberry.field(description="The subject line, with its fields.")

    @strawberry.field(description="What it was published in.")
    def kind(self) -> TemplateKind:
        """Those that come with the product are HTML."""
        return TemplateKind.HTML if self.row["mjml"] is None else TemplateKind.MJML

    mjml: str | None = strawberry.field(description="The source, when it was published in MJML.")
    html: str | None = strawberry.field(description="The source, when it was published in HTML.")
    text: str | None = strawberry.field(description="The text part as published; null when it is derived.")

    @strawberry.field(
        description="The merge fields it uses: its own; the customer's, customer.attributes.NAME and customer_name, "
        "which is customer.name; and those that are supplied: unsubscribe_url, postal_address."
    )
    async def fields(self, info: Info) -> list[str]:
        """One statement a page of versions."""
        version = await _compiled(info, self.row)
        return list(version.all_fields)

    sample_data: Json = strawberry.field(description="Its sample data.")
    locale: str = strawberry.field(description="Its language (BCP 47).")
    created_at: datetime = strawberry.field(description="When it was published.")
    created_by: str | None = strawberry.field(
        description="Who published it: the name of a token or person; null when it came with the product, or is older "
        "than this is written down."
    )

    @strawberry.field(description="With its sample data.")
    async def preview(self, info: Info) -> EmailPreview:
        """One statement a page of versions."""
        return EmailPreview.of(await existing_row(info.context.loaders.previews, self.row["id"]))

    @strawberry.field(description="What would stop a launch, or look wrong.")
    async def warnings(self, info: Info) -> list[MailWarning]:
        """One statement a page of versions."""
        row = await existing_row(info.context.loaders.compiled_versions, self.row["id"])
        version = await _compiled(info, self.row)
        found = await asyncio.to_thread(versions.warnings_of_version, version, row["preview_html"], row["links"])
        return MailWarning.of_all(found)


async def _compiled(info: Info, version: Record) -> CompiledTemplate:
    """Of a large template it takes some milliseconds."""
    row = await existing_row(info.context.loaders.compiled_versions, version["id"])
    return await asyncio.to_thread(CompiledTemplate.from_row, row)


NameSearchArgument = Annotated[str | None, strawberry.argument(description="Part of a name.")]


async def list_templates(info: Info, search: str | None, first: First, after: After) -> Connection[Template]:
    """Campaign templates by name. Raises BadInput."""
    window, context = read_window(first, after), info.context
    pattern = read_part(search)
    rows = await context.reading.fetch(TEMPLATES_PAGE, after=window.before, pattern=pattern, rows=window.rows)
    keys = [row["id"] for row in rows]
    templates = await existing_rows(context.loaders.templates, keys[: window.first])
    return window.connect([Template.of(row) for row in templates], [key.hex for key in keys])
