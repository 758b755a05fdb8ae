"""A subject line that a mailing has of its own, checked as publishing checks a template's."""

from __future__ import annotations

from gateway.errors import Refusal, RefusalCode
from gateway.mail.card_number import refuse_card_number
from gateway.mail.field_checks import check_length
from gateway.mail.header_guard import refuse_header_break
from gateway.templates.card_numbers import refuse_long_field_runs
from gateway.templates.merge_fields import LONGEST_SUBJECT, SUPPLIED, Field, fields_of, fill_subject
from gateway.templates.versions import CompiledTemplate, with_subject


def read_own_subject(template: CompiledTemplate, subject: str, path: tuple[str, ...]) -> CompiledTemplate:
    """Returns the version with this subject line, which may show the template's fields.

    A field that has a default in the template needs one here, too: who gets the mail does not depend on its subject.
    Raises Refusal: REQUIRED, TOO_LONG, INVALID, TEMPLATE_INVALID, CARD_NUMBER, HEADER_INJECTION.
    """
    refuse_header_break(subject, path)
    if not subject.strip():
        raise Refusal(RefusalCode.REQUIRED, "This must not be empty; null is the template's own.", path)
    check_length(subject, LONGEST_SUBJECT, path)
    try:
        made = with_subject(template, subject)
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.message, path) from None
    if made.merge is None:
        raise Refusal(RefusalCode.INVALID, "This is no template of campaigns.", path)
    fields = fields_of(made.merge.subject)
    for field in fields:
        _refuse_unknown(field, template, path)
    refuse_card_number(fill_subject(made.merge.subject, {field.name: "" for field in fields}), path)
    refuse_long_field_runs(made.merge, path)
    return made


def _refuse_unknown(field: Field, template: CompiledTemplate, path: tuple[str, ...]) -> None:
    if field.name in SUPPLIED:
        return
    if field.name not in template.fields:
        message = f"The template has no field {field.name!r}: its subject can show those that it has."
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)
    # In `merge.required` are also those of the customer's own values.
    if field.default is None and template.merge is not None and field.name not in template.merge.required:
        message = f'The template has a default for {field.name!r}, so write {{{{ {field.name}|default("…") }}}} here.'
        raise Refusal(RefusalCode.TEMPLATE_INVALID, message, path)
