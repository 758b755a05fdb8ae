"""A campaign's mail made again from what the ledger keeps, and the proof that these are the bytes that went out.

The proof is `message.mail_sha256`: SHA-256 of the mail as it was composed, written with its outcome. It covers every
byte from the first header to the end of the last part, and not the DKIM-Signature headers, which a signer puts in front
of that on the way out: they depend on keys that are changed. Nor does it cover what servers add (Received,
Return-Path). Pure: nothing is read here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product

from gateway.compose.campaign import campaign_facts, compose_campaign
from gateway.compose.headers import COMPOSER_VERSION, Facts, KeptFacts
from gateway.compose.sender_profiles import SenderVersion
from gateway.deployment import Deployment
from gateway.mail.keys import Purpose
from gateway.mail.message import MessageRef
from gateway.templates.versions import CompiledTemplate
from gateway.value import value

_OLDEST = 2
"""The oldest composer version whose bytes are still made; golden files pin them."""

NO_OUTCOME = (
    "What became of it is not known yet, and with it what went out: this is how the mail is composed for its recipient."
)
NO_PROOF = (
    "Nothing tells which bytes went out: no mail server was given it, or its answer was lost. This is how the mail is "
    "composed for its recipient."
)
VALUES_ERASED = "Values that it was composed with were erased: they are empty here."
KEY_GONE = "The key {key} is not in SECRET_KEYS any more: its links are signed anew here. All else is as it was."
NEWER_COMPOSER = "It was composed by a newer release (composer version {version}): this one makes other bytes of it."
OLDER_COMPOSER = "It was composed by an old release (composer version {version}): this one makes other bytes of it."
OTHER_SETTINGS = (
    "A setting that it was composed with has another value now: PUBLIC_URL, BOUNCE_DOMAIN, REPLY_DOMAIN or "
    "HONEYPOT_LINK."
)


@value
class KeptMail:
    """What the ledger keeps of one campaign mail. `merge_data` is the recipient's over the mailing's; `mail_sha256` is
    None before its outcome, and where nobody knows what went out (`decided` then). `erased`: its own values are
    gone."""

    ref: MessageRef
    facts: KeptFacts
    merge_data: Mapping[str, str]
    mail_sha256: bytes | None
    decided: bool
    erased: bool = False


@value
class ExactMail:
    """A mail's bytes. `inexact_why`: why they are not proved to be the very ones, in a sentence; None when they are."""

    content: bytes
    inexact_why: str | None = None


def compose_again(
    kept: KeptMail, *, template: CompiledTemplate, sender: SenderVersion, deployment: Deployment
) -> ExactMail:
    """The mail, with its proof or why there is none. `template` has the mailing's own subject.

    Where settings have changed since in a way that can be guessed (a domain that was not set, the honeypot switched),
    the guess that fits the hash is the mail.
    """
    values = dict(kept.merge_data)
    if kept.erased and template.merge is not None:
        values = dict.fromkeys(template.merge.required, "") | values
    usual = campaign_facts(kept.ref, kept.facts, sender, deployment.settings)
    key_gone = usual.token_key_id is not None and deployment.keyring.key(usual.token_key_id, Purpose.OPEN) is None
    if key_gone:
        usual = replace(usual, token_key_id=None)
    first: bytes | None = None
    for facts in _guesses(usual):
        made = compose_campaign(
            template=template, sender=sender, facts=facts, merge_data=values, keyring=deployment.keyring
        ).content
        if hashlib.sha256(made).digest() == kept.mail_sha256:
            return ExactMail(content=made)
        first = made if first is None else first
        if kept.mail_sha256 is None or key_gone:
            break
    return ExactMail(content=first or b"", inexact_why=_why(kept, key_gone=key_gone))


def _guesses(usual: Facts) -> Iterator[Facts]:
    """The facts by today's settings, then by those that a deployment may have had before."""
    for honeypot, bounces, replies in product(
        (usual.honeypot, not usual.honeypot) if usual.tracked else (usual.honeypot,),
        dict.fromkeys((usual.bounce_domain, None)),
        dict.fromkeys((usual.reply_domain, None)),
    ):
        yield replace(usual, honeypot=honeypot, bounce_domain=bounces, reply_domain=replies)


def _why(kept: KeptMail, *, key_gone: bool) -> str:
    version = kept.facts.composer_version
    if kept.erased:
        return VALUES_ERASED
    if kept.mail_sha256 is None:
        return NO_PROOF if kept.decided else NO_OUTCOME
    if version > COMPOSER_VERSION:
        return NEWER_COMPOSER.format(version=version)
    if version < _OLDEST:
        return OLDER_COMPOSER.format(version=version)
    return KEY_GONE.format(key=kept.facts.token_key_id) if key_gone else OTHER_SETTINGS
