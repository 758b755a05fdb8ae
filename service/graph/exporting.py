"""Links to whole lists as files, for clients that see a page of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import strawberry

from gateway.mail.export_links import ExportFormat, ExportLink, export_url
from service.graph.context import Context

Linking = Callable[[ExportFormat], str | None]
"""Makes the link to a list as a file when its client asks for it."""

SENTENCE = (
    "Where the whole list can be fetched as a file: signed, for five minutes, dead when the token is revoked; null "
    "when the filter is too long for an address."
)
FormatArgument = Annotated[ExportFormat, strawberry.argument(description="As what.")]


def linking(context: Context, wanted: Mapping[str, Any]) -> Linking:
    """Returns what links to a list, which `service.http.export_files` reads."""
    return partial(_link, context, wanted)


def _link(context: Context, wanted: Mapping[str, Any], format: ExportFormat) -> str | None:
    link = ExportLink(caller=context.actor, format=format, wanted=wanted)
    deployment = context.deployment
    return export_url(deployment.keyring, deployment.settings.public_url, link, now=context.clock())
