"""Campaigns in series, to addresses that several customers share, while workers and PostgreSQL are killed and a person
pauses, resumes, cancels, retries and settles them; then every recipient is accounted for.

The mail server notes a mail when its dot has come, before it answers.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from gateway.campaigns import decisions, drafts, lifecycle
from gateway.campaigns.decisions import CampaignRetry, CampaignSettlement
from gateway.campaigns.drafts import CampaignOrder
from gateway.campaigns.mailings import MailingOrder
from gateway.campaigns.named_customers import CampaignRecipient
from gateway.campaigns.schedule_orders import ScheduleOrder
from gateway.compose import sender_profiles
from gateway.database import prepare_connection
from gateway.deployment import Deployment
from gateway.errors import Refusal
from gateway.mail.campaign import UncertainDecision
from gateway.mail.verdict import Cause
from gateway.templates import versions
from gateway.templates.publishing import TemplateSource, compile_source
from tests.builders import make_customers
from tests.eventually import eventually
from tests.proof.campaign_counts import UNFINISHED, CampaignCounts, read_counts
from tests.proof.counts import BUSY
from tests.proof.proof import PAGE, servers, settings_of
from tests.proof.recorder import WORKERS, Rig, is_busy
from tests.proof.sink import LATER, REFUSED, SPAM, recording_sink

CAMPAIGNS, MAILINGS = 10, 2
ACTOR = "proof"
LEASE_SECONDS = 3.0
"""PostgreSQL and a worker may be lost together: then leases settle it."""
SECOND_MAILING = timedelta(seconds=5)
"""How long after the first ones the second ones of the series are due."""
SHARE_SECONDS = 3.0
"""Between two disruptions, at most: where too little runs to send a share of the mail."""
END_SECONDS = 180.0


async def prove_campaigns(*, recipients: int, disruptions: int, directory: Path, seed: int) -> CampaignCounts:
    """Launch campaigns with so many recipients in all, disrupt them so often, settle what is uncertain, and count."""
    dice = random.Random(seed)
    with servers(directory) as (postgres, valkey), recording_sink(directory, tls=False) as sink:
        rig = Rig(
            postgres=postgres,
            sink=sink,
            settings=settings_of(postgres, valkey, sink.url),
            directory=directory,
            dice=dice,
            lease=LEASE_SECONDS,
            relay="&tls=off",
        )
        run = Run(rig, dice)
        try:
            async with run.connected() as connection:
                await run.launch(connection, recipients // (CAMPAIGNS * MAILINGS))
            rig.start(WORKERS)
            for number in range(disruptions):
                await run.sent(recipients * 0.7 / disruptions)
                await run.disrupt(number)
            await run.end()
        finally:
            await rig.stop()
        sink.read()
        async with run.connected() as connection:
            return await read_counts(
                connection, sink, disruptions=dict(run.done), kills=rig.kills, early=run.finished_early
            )


class Run:
    """What a person and fate do to the campaigns of one run. `finished_early`: those seen FINISHED with somebody
    undecided."""

    def __init__(self, rig: Rig, dice: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self.finished_early: set[UUID] = set()
        self._rig = rig
        self._dice = dice
        self._deployment = Deployment.open(rig.settings)
        self._campaigns: list[UUID] = []

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Any]:
        """A connection of a person's."""
        connection: Any = await asyncpg.connect(self._rig.settings.database_url, timeout=10)
        try:
            await prepare_connection(connection)
            yield connection
        finally:
            connection.terminate()

    # ---- campaigns

    async def launch(self, connection: Any, customers: int) -> None:
        """Launch the campaigns, each to all of so many customers."""
        await versions.publish_builtins(connection)
        ids = await self._customers(connection, customers)
        profile = await sender_profiles.create(
            connection, name=ACTOR, from_address="news@fabrikam.example", postal_address="1 Main"
        )
        source = TemplateSource(name=ACTOR, subject="News", html=PAGE, sample_data={"first_name": "Al"})
        made = await versions.publish(connection, compile_source(source), actor="test")
        for number in range(CAMPAIGNS):
            order = CampaignOrder(
                title=f"Proof {number}",
                actor=ACTOR,
                mailings=self._series(made.template_id),
                sender_id=profile.sender_id,
                merge_data={"first_name": "Ann"},
                recipients=tuple(CampaignRecipient(customer_id=customer) for customer in ids),
                idempotency_key=f"draft {number}",
            )
            campaign_id = await drafts.create(connection, order, self._deployment)
            await lifecycle.launch(connection, campaign_id, f"launch {number}", self._deployment, actor=ACTOR)
            self._campaigns.append(campaign_id)

    def _series(self, template_id: UUID) -> tuple[MailingOrder, ...]:
        due = [None, *(datetime.now(UTC) + SECOND_MAILING * number for number in range(1, MAILINGS))]
        return tuple(MailingOrder(template_id=template_id, schedule=ScheduleOrder(at=one)) for one in due)

    async def _customers(self, connection: Any, count: int) -> list[int]:
        """Customers, of whom one in twenty shares the address of the one before, one in fifty is refused, one put off
        once, two refused once, and one opted out; an address in fifty is suppressed."""
        kinds = {7: REFUSED, 21: LATER, 28: SPAM, 29: SPAM}
        addresses = [f"{kinds.get(n % 50, 'c')}{n}@d{n % 97}.example" for n in range(count)]
        for n in range(10, count, 20):
            addresses[n] = addresses[n - 1]
        customers = await make_customers(
            connection, addresses, [self._deployment.key_of(address) for address in addresses]
        )
        await connection.execute(
            "insert into opt_out (customer_id, kind, source, actor) select id, 'MARKETING', 'STAFF', 'proof'"
            " from customer where id % 50 = 33"
        )
        await connection.execute(
            "insert into suppression (address_key, reason, actor)"
            " select distinct address_key, 'STAFF'::suppression_reason, 'proof' from customer_address"
            " where customer_id % 50 = 44"
        )
        return customers

    # ---- disruptions

    async def sent(self, share: float) -> None:
        """Wait until the server has received so many more, or a while."""
        wanted = self._rig.sink.read() + share
        with suppress(AssertionError):  # all that is left is paused, or there is nothing left
            await eventually(lambda: self._rig.sink.read() >= wanted, "a share", seconds=SHARE_SECONDS)

    async def disrupt(self, number: int) -> None:
        """The next of the disruptions; what PostgreSQL's death has cut off is asked again, as by a person."""
        deeds: tuple[Callable[[], Awaitable[bool]], ...] = (
            self._kill, self._pause, self._kill, self._settle, self._resume, self._retry_and_kill, self._kill,
            self._settle_and_kill, self._kill_postgres, self._kill, self._pause, self._retry_and_kill, self._cancel,
            self._kill, self._resume, self._settle_and_kill,
        )  # fmt: skip
        deed = deeds[number % len(deeds)]
        if await deed():
            self.done[deed.__name__.strip("_").replace("_", " ")] += 1
        async with self.connected() as connection:
            self.finished_early |= {row["id"] for row in await connection.fetch(UNFINISHED)}

    async def _kill(self) -> bool:
        """SIGKILL a worker that has mail in hand, where one has; another starts."""
        pid = self._dice.choice([pid for pid in self._rig.workers if is_busy(pid)] or self._rig.workers)
        await self._rig.end([pid], signal.SIGKILL)
        self._rig.kills += 1
        self._rig.start()
        return True

    async def _kill_postgres(self) -> bool:
        """Immediate shutdown of PostgreSQL: every connection is cut, recovery at the restart. A worker that was just
        starting ends by that: another starts."""
        process = self._rig.postgres.process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(process.wait)
        self._rig.postgres.start()
        await asyncio.to_thread(self._rig.postgres.wait_ready)
        gone = [pid for pid in self._rig.workers if not Path(f"/proc/{pid}").exists()]
        for pid in gone:
            self._rig.workers.remove(pid)
        self._rig.start(len(gone))
        return True

    async def _pause(self) -> bool:
        return await self._decide("RUNNING", lambda c, campaign: lifecycle.pause(c, campaign, ACTOR))

    async def _resume(self) -> bool:
        return await self._decide("PAUSED", lambda c, campaign: lifecycle.resume(c, campaign, actor=ACTOR))

    async def _cancel(self) -> bool:
        return await self._decide("RUNNING", lambda c, campaign: lifecycle.cancel(c, campaign, ACTOR))

    async def _settle(self) -> bool:
        """All that is uncertain of a campaign is retried, or taken for sent."""
        asked, uncertain = uuid4().hex, self._dice.choice([UncertainDecision.RETRY, *UncertainDecision])

        async def settle(connection: Any, campaign_id: UUID) -> None:
            order = CampaignSettlement(campaign_id=campaign_id, uncertain=uncertain, idempotency_key=asked)
            await decisions.settle(connection, order, ACTOR)

        return await self._decide("with uncertain mail", settle)

    async def _settle_and_kill(self) -> bool:
        """A worker dies while such a decision is carried out."""
        done = await self._settle()
        await self._kill()
        return done

    async def _retry_and_kill(self) -> bool:
        """A campaign's failures are tried again, whatever their cause: those of bad addresses are skipped."""
        asked = uuid4().hex

        async def retry(connection: Any, campaign_id: UUID) -> None:
            order = CampaignRetry(campaign_id=campaign_id, causes=tuple(Cause), idempotency_key=asked)
            await decisions.retry(connection, order, ACTOR)

        done = await self._decide("with failures", retry)
        await self._kill()
        return done

    async def _decide(self, wanted: str, deed: Callable[[Any, UUID], Awaitable[object]]) -> bool:
        """Do this to some campaign that is so; returns whether there was one."""
        async with self.connected() as connection:
            rows = await connection.fetch(SO[wanted])
            if not rows:
                return False
            with suppress(Refusal):  # it finished meanwhile
                await deed(connection, self._dice.choice(rows)["id"])
        return True

    # ---- the end

    async def end(self) -> None:
        """Resume all, let everything be sent, settle what is uncertain, and wait for the end of every campaign."""
        async with self.connected() as connection:
            for row in await connection.fetch(SO["PAUSED"]):
                await lifecycle.resume(connection, row["id"], actor=ACTOR)

            async def decided() -> bool:
                return not await connection.fetchval(BUSY) and not await connection.fetch(SO["with a decision"])

            await eventually(decided, "a decision about every mail", seconds=END_SECONDS)
            for row in await connection.fetch(SO["with uncertain mail"]):
                key = uuid4().hex
                order = CampaignSettlement(
                    campaign_id=row["id"], uncertain=UncertainDecision.ASSUME_SENT, idempotency_key=key
                )
                await decisions.settle(connection, order, ACTOR)

            async def over() -> bool:
                return not await connection.fetch(SO["not over"])

            await eventually(over, "the end of every campaign", seconds=END_SECONDS)


SO = {
    "RUNNING": "select c.id from campaign c where c.status in ('SCHEDULED', 'RUNNING') order by c.id",
    "PAUSED": "select c.id from campaign c where c.status = 'PAUSED' order by c.id",
    "with failures": (
        "select distinct c.id from campaign c join message m on m.campaign_id = c.id"
        " where c.status <> 'CANCELLED' and m.status = 'REFUSED' and m.cause is distinct from 'BAD_ADDRESS'"
        " order by c.id"
    ),
    "not over": "select c.id from campaign c where c.status not in ('FINISHED', 'CANCELLED')",
    "with uncertain mail": (
        "select distinct c.id from campaign c join message m on m.campaign_id = c.id"
        " where c.status <> 'CANCELLED' and m.status = 'UNCERTAIN' order by c.id"
    ),
    "with a decision": "select d.campaign_id from campaign_decision d where d.finished_at is null",
}
"""Campaigns that are so."""
