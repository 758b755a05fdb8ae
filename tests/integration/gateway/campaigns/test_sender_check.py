"""A sender's domain is checked by a real DNS server on loopback: what serves, what does not, and what is not known."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import dns.resolver
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from gateway.campaigns import dns_lookup, sender_check
from gateway.campaigns.dns_lookup import DnsLookup, DnsUnavailable, NoResolver
from gateway.campaigns.sender_check import WITHOUT_RESOLVER, DnsRecordCheck, SenderCheck, check_sender
from gateway.compose.signing_keys import read_pem
from gateway.mail.dns_records import DnsRecordKind
from gateway.settings import DkimKey, DnsServer, Settings, parse_relay
from tests.builders import NOON
from tests.dns_server import DnsZone, dns_server, quoted

SENDER = UUID(int=7)
RELAY = "198.41.0.4"
"""A public address: what a relay's name is looked up for."""
KEY = ed25519.Ed25519PrivateKey.generate()
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> bytes:
    made: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made


def right(key: Any = KEY) -> dict[str, list[str]]:
    """A zone in which everything serves."""
    return {
        "relay.fabrikam.example A": [RELAY],
        "bounce.fabrikam.example TXT": [quoted("v=spf1 include:_spf.relay.example -all")],
        "_spf.relay.example TXT": [quoted(f"v=spf1 ip4:{RELAY}/24 ~all")],
        "mail2026._domainkey.fabrikam.example TXT": [quoted(read_pem(pem(key)).record)],
        "_dmarc.fabrikam.example TXT": [quoted("v=DMARC1; p=none")],
        "bounce.fabrikam.example MX": ["10 mx.fabrikam.example."],
    }


@dataclass(frozen=True, kw_only=True)
class Domain:
    """fabrikam.example as DNS has it, and how it is checked."""

    zone: DnsZone
    settings: Settings

    async def check(self, domain: str = "fabrikam.example", **changed: Any) -> SenderCheck:
        settings = self.settings.model_copy(update=changed)
        return await check_sender(SENDER, domain, settings, now=NOON)

    async def record(self, kind: DnsRecordKind, domain: str = "fabrikam.example", **changed: Any) -> DnsRecordCheck:
        (found,) = [one for one in (await self.check(domain, **changed)).records if one.kind is kind]
        return found


@pytest.fixture
async def fabrikam(settings: Settings, tmp_path: Path) -> AsyncIterator[Domain]:
    path = tmp_path / "key.pem"
    path.write_bytes(pem(KEY))
    async with dns_server(right()) as (zone, server):
        yield Domain(
            zone=zone,
            settings=settings.model_copy(
                update={
                    "dns_servers": (server,),
                    "relay_url": (parse_relay("smtp://relay.fabrikam.example"),),
                    "bounce_domain": "bounce.fabrikam.example",
                    "dkim_keys": (DkimKey(domain="fabrikam.example", selector="mail2026", path=str(path)),),
                }
            ),
        )


async def test_a_domain_in_order_is_ready_and_needs_no_advice(fabrikam: Domain) -> None:
    found = await fabrikam.check()
    assert (found.ready, found.sender_id, found.checked_at) == (True, SENDER, NOON)
    assert [(one.kind.value, one.name, one.ok, one.wanted, one.advice) for one in found.records] == [
        ("SPF", "bounce.fabrikam.example", True, None, None),
        ("DKIM", "mail2026._domainkey.fabrikam.example", True, None, None),
        ("DMARC", "_dmarc.fabrikam.example", True, None, None),
        ("RETURN_PATH", "bounce.fabrikam.example", True, None, None),
    ]
    assert [one.found for one in found.records][0::3] == [
        "v=spf1 include:_spf.relay.example -all",
        "MX mx.fabrikam.example",
    ]


async def test_a_domain_without_records_is_told_what_to_put_there(fabrikam: Domain) -> None:
    # Given a domain of which DNS knows the relay alone
    fabrikam.zone.records = {"relay.fabrikam.example A": [RELAY]}
    # When it is checked
    found = await fabrikam.check()
    # Then every record is wrong, and what is wanted can be copied
    assert found.ready is False
    assert [(one.ok, one.found, one.wanted) for one in found.records] == [
        (False, None, "v=spf1 a:relay.fabrikam.example ~all"),
        (False, None, read_pem(pem(KEY)).record),
        (False, None, "v=DMARC1; p=none"),
        (False, None, "MX 10 and the host that takes your mail"),
    ]
    assert all(one.advice for one in found.records)


# SPF -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "advice"),
    [
        (["v=spf1 -all", "v=spf1 ~all"], "several SPF records"),
        (["v=spf1 +all"], "lets everybody send"),
        (["v=spf1 -all"], "lets nobody send"),
        (["v=spf1 ip4:nonsense -all"], "names no network here: ip4:nonsense"),
        (["v=spf1 include:nowhere.example -all"], "include nowhere.example, which has no SPF record"),
        (["v=spf1 redirect=nowhere.example"], "redirect nowhere.example, which has no SPF record"),
        (["v=spf1 include:bounce.fabrikam.example -all"], "more than 10 look-ups"),
        (["v=spf1 " + " ".join(f"a:h{number}.example" for number in range(11)) + " -all"], "more than 10 look-ups"),
        (["v=spf1 include:_all.example -all"], "lets everybody send"),
    ],
)
async def test_spf_that_receivers_cannot_use_is_named(fabrikam: Domain, records: list[str], advice: str) -> None:
    fabrikam.zone.records |= {
        "bounce.fabrikam.example TXT": [quoted(text) for text in records],
        "_all.example TXT": [quoted("v=spf1 +all")],
    }
    found = await fabrikam.record(DnsRecordKind.SPF)
    assert found.ok is False
    assert advice in (found.advice or "")
    assert found.wanted == "v=spf1 a:relay.fabrikam.example ~all"


@pytest.mark.parametrize(
    "record",
    [
        f"v=spf1 ip4:{RELAY} -all",
        "v=spf1 a:relay.fabrikam.example ?all",
        "v=spf1 mx:relays.example -all",
        "v=spf1 redirect=_spf.relay.example",
        "v=spf1 a:x.example/0 -all",
    ],
)
async def test_spf_that_lists_the_relay_serves(fabrikam: Domain, record: str) -> None:
    fabrikam.zone.records |= {
        "bounce.fabrikam.example TXT": [quoted(record)],
        "relays.example MX": ["10 relay.fabrikam.example."],
        "x.example A": ["8.8.8.8"],
    }
    found = await fabrikam.record(DnsRecordKind.SPF)
    assert (found.ok, found.advice) == (True, None)


async def test_spf_that_does_not_list_the_relay_may_serve_and_says_what_is_not_known(fabrikam: Domain) -> None:
    # Given a record in order, in which the address where the relay takes mail does not stand
    fabrikam.zone.records["bounce.fabrikam.example TXT"] = [
        quoted("v=spf1 ip4:8.8.8.8 ?include:_spf.relay.example -all")
    ]
    # Then it serves as far as can be known: the relay may send from another address
    found = await fabrikam.record(DnsRecordKind.SPF)
    assert found.ok is True
    assert f"does not list {RELAY}" in (found.advice or "")


async def test_a_relay_inside_our_network_tells_nothing_of_who_sends(fabrikam: Domain) -> None:
    relays = (parse_relay("smtp://10.0.0.25"), parse_relay("smtp://other.internal"))
    found = await fabrikam.record(DnsRecordKind.SPF, relay_url=relays)
    assert found.ok is True
    assert "From which addresses 10.0.0.25, other.internal sends is not known here" in (found.advice or "")


async def test_without_a_bounce_domain_the_senders_domain_is_asked(fabrikam: Domain) -> None:
    fabrikam.zone.records |= {
        "fabrikam.example TXT": [quoted(f"v=spf1 ip4:{RELAY} -all")],
        "fabrikam.example A": ["192.0.2.1"],
    }
    found = await fabrikam.check(bounce_domain=None)
    spf, *_, back = found.records
    assert (found.ready, spf.name, back.name) == (True, "fabrikam.example", "fabrikam.example")
    assert "BOUNCE_DOMAIN is not set" in (back.advice or "")
    assert back.found == "no MX; an address"


# DKIM ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [serialization.PublicFormat.SubjectPublicKeyInfo, serialization.PublicFormat.PKCS1])
async def test_an_rsa_key_is_ours_in_either_form(
    fabrikam: Domain, form: serialization.PublicFormat, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_bytes(pem(OTHER))
    public = OTHER.public_key().public_bytes(serialization.Encoding.DER, form)
    text = f"v=DKIM1; p={b64encode(public).decode()}"
    fabrikam.zone.records["mail2026._domainkey.fabrikam.example TXT"] = [quoted(text)]
    assert (await fabrikam.record(DnsRecordKind.DKIM)).ok is True


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        ([], "There is no key in DNS."),
        (["v=DKIM1; p=QQ==", "v=DKIM1; p=QUE="], "several records"),
        (["v=DKIM1; p="], "revoked"),
        ([read_pem(pem(OTHER)).record], "another key than the one we sign by"),
        (["v=DKIM1; k=ed25519; p=QQ=="], "another key than the one we sign by"),
    ],
)
async def test_a_key_that_is_not_ours_is_replaced_by_ours(fabrikam: Domain, texts: list[str], advice: str) -> None:
    name = "mail2026._domainkey.fabrikam.example"
    fabrikam.zone.records.pop(f"{name} TXT")
    fabrikam.zone.records |= {f"{name} TXT": [quoted(text) for text in texts]} if texts else {}
    found = await fabrikam.record(DnsRecordKind.DKIM)
    assert (found.ok, found.name, found.wanted) == (False, name, read_pem(pem(KEY)).record)
    assert advice in (found.advice or "")


async def test_a_key_that_this_process_cannot_read_leaves_it_open(fabrikam: Domain, tmp_path: Path) -> None:
    (tmp_path / "key.pem").unlink()
    found = await fabrikam.check()
    (dkim,) = [one for one in found.records if one.kind is DnsRecordKind.DKIM]
    assert (found.ready, dkim.ok) == (None, None)
    assert "this process cannot read the file" in (dkim.advice or "")


async def test_a_domain_without_a_key_leaves_unsigned(fabrikam: Domain) -> None:
    found = await fabrikam.record(DnsRecordKind.DKIM, dkim_keys=())
    assert (found.ok, found.name) == (False, "_domainkey.fabrikam.example")
    assert "without a signature" in (found.advice or "")


async def test_a_key_for_tests_is_pointed_at(fabrikam: Domain) -> None:
    record = read_pem(pem(KEY)).record + "; t=y"
    fabrikam.zone.records["mail2026._domainkey.fabrikam.example TXT"] = [quoted(record)]
    found = await fabrikam.record(DnsRecordKind.DKIM)
    assert (found.ok, found.advice is not None and "t=y" in found.advice) == (True, True)


# DMARC ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (["v=DMARC1; p=deny"], "a policy that receivers do not know"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "several DMARC records"),
        (["v=DMARC1; rua=mailto:a@x.example"], "no policy"),
    ],
)
async def test_a_policy_that_receivers_do_not_heed_is_named(fabrikam: Domain, texts: list[str], advice: str) -> None:
    fabrikam.zone.records["_dmarc.fabrikam.example TXT"] = [quoted(text) for text in texts]
    found = await fabrikam.record(DnsRecordKind.DMARC)
    assert (found.ok, found.wanted) == (False, "v=DMARC1; p=none")
    assert advice in (found.advice or "")


async def test_a_domain_below_the_organisations_has_its_policy(fabrikam: Domain) -> None:
    found = await fabrikam.record(DnsRecordKind.DMARC, "news.fabrikam.example")
    assert (found.ok, found.name, found.advice) == (True, "_dmarc.fabrikam.example", None)


async def test_strict_alignment_wants_the_same_domain(fabrikam: Domain) -> None:
    # Given mail from a domain below that of the key, and a policy that asks for the same domain
    fabrikam.zone.records["_dmarc.fabrikam.example TXT"] = [quoted("v=DMARC1; p=reject; adkim=s; aspf=s")]
    # Then neither the signature nor the return path counts
    found = await fabrikam.record(DnsRecordKind.DMARC, "news.fabrikam.example")
    assert found.ok is False
    assert "signature is of fabrikam.example" in (found.advice or "")
    assert "return path, bounce.fabrikam.example" in (found.advice or "")
    # And one of them is enough
    found = await fabrikam.record(DnsRecordKind.DMARC)
    assert found.ok is True
    assert "return path, bounce.fabrikam.example, is not aligned" in (found.advice or "")


async def test_a_return_path_of_another_organisation_is_not_aligned(fabrikam: Domain) -> None:
    fabrikam.zone.records["_dmarc.elsewhere.example TXT"] = [quoted("v=DMARC1; p=none")]
    found = await fabrikam.record(DnsRecordKind.DMARC, bounce_domain="bounce.elsewhere.example", dkim_keys=())
    assert (found.ok, found.advice) == (
        False,
        "The return path, bounce.elsewhere.example, is not aligned with fabrikam.example: let BOUNCE_DOMAIN be a "
        "domain below it, or relax aspf.",
    )


# The return path -----------------------------------------------------------------------------------------------------


async def test_a_domain_that_says_it_takes_no_mail_is_no_return_path(fabrikam: Domain) -> None:
    fabrikam.zone.records["bounce.fabrikam.example MX"] = ["0 ."]
    found = await fabrikam.record(DnsRecordKind.RETURN_PATH)
    assert (found.ok, found.found) == (False, "MX 0 .")


# When DNS does not answer --------------------------------------------------------------------------------------------


async def test_what_dns_does_not_answer_is_not_known(fabrikam: Domain) -> None:
    # Given a server that fails for one name
    fabrikam.zone.failing = {"_spf.relay.example"}
    # Then that record is not known, the others are
    found = await fabrikam.check()
    assert (found.ready, [one.ok for one in found.records]) == (None, [None, True, True, True])
    assert "DNS did not answer about _spf.relay.example." in (found.records[0].advice or "")
    # And what is wrong is wrong, whatever else is not known
    fabrikam.zone.records.pop("_dmarc.fabrikam.example TXT")
    assert (await fabrikam.check()).ready is False


async def test_a_server_that_is_silent_is_waited_for_so_long_and_no_longer(
    fabrikam: Domain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_lookup, "SECONDS", 2.5)  # what is answered is answered by then, however busy we are
    fabrikam.zone.silent = {"bounce.fabrikam.example"}
    found = await fabrikam.check()
    assert [one.ok for one in found.records] == [None, True, True, None]
    monkeypatch.setattr(dns_lookup, "SECONDS", 60)
    monkeypatch.setattr(sender_check, "SECONDS", 2.5)
    assert [one.ok for one in (await fabrikam.check()).records] == [None, True, True, None]


async def test_a_machine_without_a_resolver_says_so(fabrikam: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(servers: Any) -> DnsLookup:
        raise NoResolver

    monkeypatch.setattr(sender_check, "DnsLookup", without)
    found = await fabrikam.check()
    assert (found.ready, {one.ok for one in found.records}) == (None, {None})
    assert {one.advice for one in found.records} == {WITHOUT_RESOLVER}
    assert len((await fabrikam.check(dkim_keys=())).records) == 4


def test_the_system_names_a_resolver_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(configure: bool) -> Any:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.asyncresolver.Resolver", unconfigured)
    with pytest.raises(NoResolver):
        DnsLookup(())


# Answers are anybody's -----------------------------------------------------------------------------------------------


async def test_what_stands_in_dns_is_bounded_and_shown_in_plain_signs(fabrikam: Domain) -> None:
    name = "mail2026._domainkey.fabrikam.example"
    fabrikam.zone.records[f"{name} TXT"] = [
        '"v=DKIM1; n=\\027[31m\\255; p=' + "A" * 100 + '"' + ' "' + "B" * 200 + '"' * 1
    ]
    found = await fabrikam.record(DnsRecordKind.DKIM)
    assert (found.found or "").startswith("v=DKIM1; n=?[31m?; p=AAA")
    fabrikam.zone.records[f"{name} TXT"] = [quoted("v=DKIM1; p=" + "A" * 6000)]
    assert len((await fabrikam.record(DnsRecordKind.DKIM)).found or "") == sender_check.LONGEST_FOUND


async def test_a_check_asks_so_many_questions_and_no_more(fabrikam: Domain) -> None:
    lookup = DnsLookup(fabrikam.settings.dns_servers)
    for number in range(dns_lookup.MAX_QUESTIONS):
        assert await lookup.texts(f"n{number}.example") == ()
    with pytest.raises(DnsUnavailable, match="More than 100 questions"):
        await lookup.texts("one-more.example")
    assert len(fabrikam.zone.asked) == dns_lookup.MAX_QUESTIONS


async def test_a_name_that_is_none_has_no_records(fabrikam: Domain) -> None:
    lookup = DnsLookup(fabrikam.settings.dns_servers)
    assert await lookup.texts("x" * 64 + ".example") == ()
    assert await lookup.addresses("a..example") == ()


async def test_a_nameserver_that_is_not_there_does_not_answer(settings: Settings) -> None:
    async with dns_server({}) as (_, server):
        pass
    gone = settings.model_copy(update={"dns_servers": (DnsServer(address=server.address, port=server.port),)})
    found = await check_sender(SENDER, "fabrikam.example", gone, now=NOON)
    assert {one.ok for one in found.records} <= {None, False}
    assert found.ready is False  # no key is set
