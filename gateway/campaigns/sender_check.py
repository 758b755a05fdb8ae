"""What DNS says of a sender's domain, and what to put there: SPF, DKIM, DMARC and the return path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from uuid import UUID

from gateway.campaigns.dns_lookup import DnsLookup, DnsUnavailable, IpAddress, NoResolver
from gateway.campaigns.spf_check import SpfFinding, check_spf
from gateway.compose.signing_keys import SigningKey, keys_of, read_key_file
from gateway.errors import SettingsError
from gateway.mail.dns_records import (
    DmarcRecord,
    DnsRecordKind,
    RecordFault,
    dmarc_of,
    organisation_of,
    read_dkim_key,
    read_dmarc,
    spf_of,
    tree_walk,
)
from gateway.settings import DkimKey, Settings

SECONDS = 20.0
"""All questions about a sender take no longer: people wait for the answer."""
MAX_DKIM_KEYS = 10
"""Keys of one domain that are looked up: two sign side by side, and two more while they are changed."""
LONGEST_FOUND = 1000
"""Characters of what was found that are shown."""

WITHOUT_RESOLVER = (
    "DNS was not asked: this machine names no resolver in /etc/resolv.conf. Set DNS_SERVERS to the address of one."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DnsRecordCheck:
    """One record of a sender's domain, `name` in DNS.

    `ok` is None where it is not known: DNS did not answer, or our key cannot be read here. `found` is what is there;
    `wanted` what to put there. `advice` says what is wrong and what to do, or what could not be looked at.
    """

    kind: DnsRecordKind
    name: str
    ok: bool | None
    found: str | None = None
    wanted: str | None = None
    advice: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderCheck:
    """What DNS says of one sender's domain. `ready`: bulk mail may go, since every record serves; None where one is not
    known and none is wrong."""

    sender_id: UUID
    ready: bool | None
    checked_at: datetime
    records: tuple[DnsRecordCheck, ...]


async def check_sender(sender_id: UUID, from_domain: str, settings: Settings, *, now: datetime) -> SenderCheck:
    """Asks DNS about the domain of a sender's From. Never raises for what DNS says or does."""
    domain = from_domain.lower()
    try:
        check = _Check(domain=domain, settings=settings, lookup=DnsLookup(settings.dns_servers))
    except NoResolver:
        records = _unknown(domain, settings, WITHOUT_RESOLVER)
    else:
        records = await check.records()
    return SenderCheck(sender_id=sender_id, ready=_ready(records), checked_at=now, records=records)


def _ready(records: Sequence[DnsRecordCheck]) -> bool | None:
    verdicts = {record.ok for record in records}
    return False if False in verdicts else None if None in verdicts else True


def _unknown(domain: str, settings: Settings, advice: str) -> tuple[DnsRecordCheck, ...]:
    back = settings.bounce_domain or domain
    keys = _keys_of(domain, settings)
    names = [(DnsRecordKind.SPF, back)]
    names += [(DnsRecordKind.DKIM, _key_name(key)) for key in keys] or [(DnsRecordKind.DKIM, f"_domainkey.{domain}")]
    names += [(DnsRecordKind.DMARC, f"_dmarc.{domain}"), (DnsRecordKind.RETURN_PATH, back)]
    return tuple(DnsRecordCheck(kind=kind, name=name, ok=None, advice=advice) for kind, name in names)


def _keys_of(domain: str, settings: Settings) -> tuple[DkimKey, ...]:
    by_domain: dict[str, tuple[DkimKey, ...]] = {}
    for key in settings.dkim_keys:
        by_domain[key.domain.lower()] = (*by_domain.get(key.domain.lower(), ()), key)
    return keys_of(domain, by_domain)[:MAX_DKIM_KEYS]


def _key_name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain.lower()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Check:
    """The check of one domain: each record by itself, all at once."""

    domain: str
    settings: Settings
    lookup: DnsLookup

    @property
    def return_path(self) -> str:
        """The domain of MAIL FROM, which receivers ask for SPF."""
        return self.settings.bounce_domain or self.domain

    async def records(self) -> tuple[DnsRecordCheck, ...]:
        keys = _keys_of(self.domain, self.settings)
        asked: list[Awaitable[DnsRecordCheck]] = [
            self._answered(DnsRecordKind.SPF, self.return_path, self._spf()),
            *(self._answered(DnsRecordKind.DKIM, _key_name(key), self._dkim(key)) for key in keys),
            self._answered(DnsRecordKind.DMARC, f"_dmarc.{self.domain}", self._dmarc(keys)),
            self._answered(DnsRecordKind.RETURN_PATH, self.return_path, self._return_path()),
        ]
        found = list(await asyncio.gather(*asked))
        if not keys:
            found.insert(1, _without_key(self.domain))
        return tuple(found)

    async def _answered(self, kind: DnsRecordKind, name: str, check: Awaitable[DnsRecordCheck]) -> DnsRecordCheck:
        """The check, or that DNS did not answer."""
        try:
            async with asyncio.timeout(SECONDS):
                return await check
        except DnsUnavailable as error:
            advice = f"{error} Ask again later; if it stays so, its name servers or your resolver are at fault."
        except TimeoutError:
            advice = f"DNS took longer than {SECONDS:.0f} s in all. Ask again later."
        return DnsRecordCheck(kind=kind, name=name, ok=None, advice=advice)

    # SPF -----------------------------------------------------------------------------------------------------------

    async def _spf(self) -> DnsRecordCheck:
        """The record is one that receivers can use. Which host hands our mail to them is only known where a relay has a
        public address of its own, and even it may send by another: so that is said and decides nothing."""
        name, relays = self.return_path, await self._relays()
        check = DnsRecordCheck(kind=DnsRecordKind.SPF, name=name, ok=False)
        text = None
        try:
            text = spf_of(await self.lookup.texts(name))
            if text is None:
                advice = "There is no SPF record: put one there that names the servers that send your mail."
                return replace(check, wanted=_spf_wanted(relays), advice=advice)
            addresses = list(dict.fromkeys(one for found in relays.values() for one in found))
            found = await check_spf(name, text, addresses, self.lookup)
        except RecordFault as fault:
            return replace(check, found=_cut(text), wanted=_spf_wanted(relays), advice=str(fault))
        return replace(check, ok=True, found=_cut(text), advice=_relays_advice(relays, found))

    async def _relays(self) -> Mapping[str, tuple[IpAddress, ...]]:
        """The public addresses of each relay's host; none where it has none, or they are not known."""
        found: dict[str, tuple[IpAddress, ...]] = {}
        for host in dict.fromkeys(relay.host for relay in self.settings.relay_url):
            try:
                known: tuple[IpAddress, ...] = (ip_address(host),)
            except ValueError:
                known = await self._addresses(host)
            found[host] = tuple(address for address in known if address.is_global)
        return found

    async def _addresses(self, host: str) -> tuple[IpAddress, ...]:
        try:
            return await self.lookup.addresses(host)
        except DnsUnavailable:
            return ()

    # DKIM ----------------------------------------------------------------------------------------------------------

    async def _dkim(self, setting: DkimKey) -> DnsRecordCheck:
        """The key in DNS is the public half of the one that we sign by."""
        check = DnsRecordCheck(kind=DnsRecordKind.DKIM, name=_key_name(setting), ok=False)
        ours = await self._our_key(setting)
        wanted = ours.record if ours is not None else None
        texts = await self.lookup.texts(check.name)
        if len(texts) != 1:
            advice = "There are several records: leave the one of this key." if texts else "There is no key in DNS."
            return replace(check, found=_cut(" | ".join(texts)), wanted=wanted, advice=advice)
        check = replace(check, found=_cut(texts[0]))
        try:
            record = read_dkim_key(texts[0])
        except RecordFault as fault:
            return replace(check, wanted=wanted, advice=str(fault))
        if ours is None:
            advice = (
                "DNS has a key. Whether it is ours is not known: this process cannot read the file of the private key "
                "(DKIM_KEYS)."
            )
            return replace(check, ok=None, advice=advice)
        if record.key_type != ours.key_type or record.key not in ours.public:
            advice = "DNS has another key than the one we sign by, so signatures fail: put ours there."
            return replace(check, wanted=wanted, advice=advice)
        advice = "The record says t=y, testing: receivers may ignore signatures. Remove it." if record.testing else ""
        return replace(check, ok=True, advice=advice or None)

    async def _our_key(self, setting: DkimKey) -> SigningKey | None:
        try:
            _, key = await asyncio.to_thread(read_key_file, setting)
        except SettingsError:
            return None
        return key

    # DMARC ---------------------------------------------------------------------------------------------------------

    async def _dmarc(self, keys: Sequence[DkimKey]) -> DnsRecordCheck:
        """There is a policy, and a domain that signs or the return path is aligned with From, so that mail can pass."""
        check = DnsRecordCheck(kind=DnsRecordKind.DMARC, name=f"_dmarc.{self.domain}", ok=False)
        try:
            walk = await self._walk(self.domain)
        except _FaultAt as fault:
            return replace(check, name=f"_dmarc.{fault.name}", wanted="v=DMARC1; p=none", advice=str(fault))
        organisation = organisation_of(self.domain, [(name, record) for name, _, record in walk])
        policies = {name: (text, record) for name, text, record in walk}
        policy = policies.get(self.domain) or policies.get(organisation)
        if policy is None:
            advice = "There is no DMARC record: large providers refuse bulk mail of such a domain."
            return replace(check, wanted="v=DMARC1; p=none", advice=advice)
        text, record = policy
        check = replace(check, name=f"_dmarc.{self.domain if self.domain in policies else organisation}")
        unaligned = await self._unaligned(record, organisation, keys)
        if len(unaligned) == 1 + bool(keys):
            return replace(check, found=_cut(text), advice=" ".join(unaligned))
        return replace(check, ok=True, found=_cut(text), advice=" ".join(unaligned) or None)

    async def _unaligned(self, policy: DmarcRecord, organisation: str, keys: Sequence[DkimKey]) -> list[str]:
        """What is not aligned with From, a sentence each."""
        found = []
        signing = keys[0].domain.lower() if keys else None
        if signing is not None and not await self._aligned(signing, organisation, strict=policy.strict_dkim):
            found.append(f"Our signature is of {signing}, which is not aligned with {self.domain}: {_HOW_DKIM}")
        if not await self._aligned(self.return_path, organisation, strict=policy.strict_spf):
            found.append(f"The return path, {self.return_path}, is not aligned with {self.domain}: {_HOW_SPF}")
        return found

    async def _aligned(self, domain: str, organisation: str, *, strict: bool) -> bool:
        if domain == self.domain or strict:
            return domain == self.domain
        try:
            walk = await self._walk(domain)
        except _FaultAt:
            return False
        return organisation_of(domain, [(name, record) for name, _, record in walk]) == organisation

    async def _walk(self, domain: str) -> list[tuple[str, str, DmarcRecord]]:
        """The policies on a domain's tree walk: where, as it stands there, and as it reads.

        Raises _FaultAt for the first, where it cannot be read; receivers pass over others of that kind.
        """
        found: list[tuple[str, str, DmarcRecord]] = []
        for name in tree_walk(domain):
            try:
                text = dmarc_of(await self.lookup.texts(f"_dmarc.{name}"))
                if text is not None:
                    found.append((name, text, read_dmarc(text)))
            except RecordFault as fault:
                if not found:
                    raise _FaultAt(name, str(fault)) from None
        return found

    # The return path -----------------------------------------------------------------------------------------------

    async def _return_path(self) -> DnsRecordCheck:
        """Mail to the domain finds a host: its MX, else its own address (RFC 5321 5.1)."""
        check = DnsRecordCheck(kind=DnsRecordKind.RETURN_PATH, name=self.return_path, ok=False)
        wanted, ours = "MX 10 and the host that takes your mail", self.settings.bounce_domain is not None
        hosts = await self.lookup.mail_hosts(self.return_path)
        if "" in hosts:
            advice = "The domain says that it takes no mail (RFC 7505), so bounces are lost and receivers may refuse."
            return replace(check, found="MX 0 .", wanted=wanted, advice=advice)
        if not hosts and not await self.lookup.addresses(self.return_path):
            advice = "The domain has no mail server, so bounces are lost, and receivers may refuse mail from it."
            return replace(check, wanted=wanted, advice=advice)
        elsewhere = "BOUNCE_DOMAIN is not set: bounces go to the sender's domain, and later ones are not known to us."
        found = f"MX {', '.join(hosts)}" if hosts else "no MX; an address"
        return replace(check, ok=True, found=_cut(found), advice=None if ours else elsewhere)


class _FaultAt(Exception):
    """A record that cannot be read, and whose it is."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


_HOW_DKIM = "sign by a key of the From domain (DKIM_KEYS)."
_HOW_SPF = "let BOUNCE_DOMAIN be a domain below it, or relax aspf."


def _without_key(domain: str) -> DnsRecordCheck:
    advice = f"Mail from {domain} leaves without a signature, which large providers refuse: set DKIM_KEYS."
    return DnsRecordCheck(kind=DnsRecordKind.DKIM, name=f"_domainkey.{domain}", ok=False, advice=advice)


def _spf_wanted(relays: Mapping[str, tuple[IpAddress, ...]]) -> str:
    named = [f"a:{host}" for host, addresses in relays.items() if addresses]
    return f"v=spf1 {' '.join(named) or 'include:the-domain-that-your-relay-names'} ~all"


def _relays_advice(relays: Mapping[str, tuple[IpAddress, ...]], found: SpfFinding) -> str | None:
    """What is not known of who sends; None where every relay's addresses are listed."""
    private = [host for host, addresses in relays.items() if not addresses]
    unlisted = [str(address) for address in found.unlisted]
    if not private and not unlisted:
        return None
    said = []
    if unlisted:
        said.append(f"It does not list {', '.join(unlisted[:10])}, where our relay takes mail.")
    if private:
        said.append(f"From which addresses {', '.join(private[:10])} sends is not known here.")
    said.append("Make sure that it lists the addresses, or has the include, that the relay's operator names.")
    return "The record can be used. " + " ".join(said)


def _cut(text: str | None) -> str | None:
    return text[:LONGEST_FOUND] if text else None
