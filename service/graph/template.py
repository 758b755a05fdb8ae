"""Templates and their generic preview."""

from __future__ import annotations

from collections.abc import Iterable

import strawberry

from gateway.templates import mail_warnings
from gateway.templates.mail_warnings import MailWarningCode
from service.graph.context import Info
from service.graph.loaders import existing_row
from service.graph.node import Node, row_global_id
from service.graph.row import FromRow
from service.shape.field import column


@strawberry.type(description="What a template looks like, with its sample data: never a customer's.")
class EmailPreview(FromRow):
    """Over a row of template_version."""

    subject: str = strawberry.field(description="The subject line.", metadata=column("v.preview_subject"))
    html: str = strawberry.field(
        description="The HTML part; show it in a sandboxed frame only.", metadata=column("v.preview_html")
    )
    text: str = strawberry.field(description="The text part.", metadata=column("v.preview_text"))


@strawberry.type(description="Something to mend before sending.")
class MailWarning:
    """Over a warning of the gateway."""

    code: MailWarningCode = strawberry.field(description="What kind.")
    message: str = strawberry.field(description="What is wrong and what to do.")
    blocking: bool = strawberry.field(description="Whether a launch is refused for it.")

    @classmethod
    def of_all(cls, warnings: Iterable[mail_warnings.MailWarning]) -> list[MailWarning]:
        """Returns these as the API shows them."""
        return [cls(code=one.code, message=one.message, blocking=one.blocking) for one in warnings]


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

    @strawberry.field(description="The newest version with its sample data.")
    async def preview(self, info: Info) -> EmailPreview:
        """One statement a page of templates."""
        return EmailPreview.of(await existing_row(info.context.loaders.previews, self.row["template_version_id"]))
