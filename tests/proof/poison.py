"""One poisoned recipient of every kind, at which a relay chokes, amid good mail; then a relay that is broken for all.

A good mail takes the server `MAIL_SECONDS`, so that the rate is the connections' and not the machine's. The same mail
goes twice, without the poisoned recipients and with them, and that `ROUNDS` times; these are retried after 3, 6, 9
seconds and so on, where production waits minutes, while pauses are as long as in production.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from tests.eventually import eventually
from tests.proof.counts import UNMADE, AttemptKey, attempt_of
from tests.proof.proof import Faults, World, launch, servers, settings_of
from tests.smtp_server import Drop, Endless, Play, Point, Raw, ReceivedMessage, Reply, SmtpServer

MAIL_SECONDS = 0.25
MAX_LOSS = 0.05
"""Part of their rate that good mails to other domains may lose."""
ROUNDS = 3
"""The loss is the median of these: a machine that does something else meanwhile spoils one."""
NEIGHBOURS = 20
"""Good mails to each poisoned domain."""
PATIENCE_SECONDS = 120.0

KINDS: dict[str, tuple[str, Play]] = {
    "no reply code": ("rcpt", Raw(b"999 what\r\n")),
    "a reply over 64 KiB": ("rcpt", Reply(250, "x" * 70_000)),
    "a code below 200": ("rcpt", Raw(b"000 no\r\n")),
    "a code in two parts": ("rcpt", Raw(b"25 0 ok\r\n")),
    "354 to RCPT": ("rcpt", Reply(354, "go ahead")),
    "250 to DATA": ("data", Reply(250, "2.0.0 fine")),
    "an early 250": ("rcpt", Reply(250, "2.1.5 ok", then=Reply(250, "2.0.0 taken before it was sent"))),
    "an endless reply": ("rcpt", Endless()),
    "421 to RCPT": ("rcpt", Reply(421, "4.7.0 not you", then=Drop())),
    "a drop at RCPT": ("rcpt", Drop()),
}
"""What the relay does for a poisoned recipient, and at which stage."""


@dataclass(kw_only=True, slots=True)
class Answers:
    """Every attempt that the server answered at or after MAIL, and when each poisoned address failed. `poison` is
    played to these addresses, `broken` the stage at which everybody gets a 503."""

    poison: dict[str, tuple[str, Play]] = field(default_factory=dict)
    attempts: set[AttemptKey] = field(default_factory=set)
    failures: dict[str, list[float]] = field(default_factory=dict)
    broken: str = ""

    def script(self, smtp: SmtpServer, clock: Callable[[], float]) -> None:
        """Install them, and the usual pace of good mail."""

        def choose(point: Point) -> Play | None:
            sender = point.key if point.stage == "mail" else point.sender
            if sender:
                self.attempts.add(attempt_of(sender))
            if point.stage == self.broken:
                return Reply(503, "5.5.1 Bad sequence of commands")
            stage, play = self.poison.get(point.key, ("", None))
            if point.stage == stage:
                self.failures.setdefault(point.key, []).append(clock())
                return play
            return Reply(250, "2.0.0 taken", delay=MAIL_SECONDS) if point.stage == "after_dot" else None

        smtp.script(mail=choose, rcpt=choose, data=choose, after_dot=choose)


@dataclass(frozen=True, kw_only=True, slots=True)
class PoisonCounts:
    """The result: rates of good mails to other domains a second, without poison and with it, a pair a round; failures
    by kind; kinds during whose failures no good mail went to the same domain; good mails that took more than one
    attempt; statuses of the mail of a relay that was broken for all; answered attempts that the ledger does not
    have."""

    rates: tuple[tuple[float, float], ...]
    failures: dict[str, int]
    held_up: tuple[str, ...]
    retried: int
    paused: int
    broken: dict[str, int]
    unrecorded: int

    @property
    def loss(self) -> float:
        """The part of the rate that the poison cost, the median of the rounds."""
        return median(1 - poisoned / usual for usual, poisoned in self.rates)

    def report(self) -> str:
        """One line a figure."""
        return "\n".join(
            [
                "good mail to other domains a second, without poison and with it: "
                + ", ".join(f"{usual:.1f} and {poisoned:.1f}" for usual, poisoned in self.rates)
                + f" (median loss {self.loss:.1%})",
                "failures of poisoned recipients: " + ", ".join(f"{name} {n}" for name, n in self.failures.items()),
                f"mail of a relay that answers 503 to every MAIL, then to every DATA: {self.broken}",
                f"answered attempts without a row in the ledger: {self.unrecorded}",
            ]
        )

    def violations(self) -> list[str]:
        """The guarantees that were broken."""
        checks = {
            f"good mail to other domains loses {self.loss:.1%} of its rate": self.loss >= MAX_LOSS,
            "a kind of poison failed less than three times": min(self.failures.values(), default=0) < 3,
            f"no mail to the domain of a poisoned recipient between its failures: {self.held_up}": bool(self.held_up),
            f"{self.retried} good mails took more than one attempt": self.retried > 0,
            f"{self.paused} pauses of a relay or destination for one mail": self.paused > 0,
            f"a broken relay's mail is {self.broken}": set(self.broken) != {"ACCEPTED"},
            f"{self.unrecorded} answers at or after MAIL are no attempt of their mail": self.unrecorded > 0,
        }
        return [guarantee for guarantee, violated in checks.items() if violated]


async def prove_poison(*, mails: int, broken: int, directory: Path) -> PoisonCounts:
    """Send `mails` good ones to other domains without poison and with it, then `broken` through a broken relay."""
    async with SmtpServer(keep_content=False) as smtp:
        with servers(directory) as (postgres, valkey):
            world = World(
                postgres=postgres,
                valkey=valkey,
                smtp=smtp,
                settings=settings_of(postgres, valkey, smtp.url),
                log=directory / "gateway.telemetry.log",
                faults=Faults(0),
            )
            connection = await asyncpg.connect(world.settings.database_url)
            try:
                return await _Run(world=world, connection=connection, mails=mails).prove(broken)
            finally:
                world.end()
                await connection.close()


@dataclass(kw_only=True, slots=True)
class _Run:
    world: World
    connection: Any
    mails: int
    answers: Answers = field(default_factory=Answers)
    failures: Counter[str] = field(default_factory=Counter)
    held_up: list[str] = field(default_factory=list)

    async def prove(self, broken: int) -> PoisonCounts:
        self.answers.script(self.world.smtp, asyncio.get_running_loop().time)
        self.world.start_worker("pauses")
        await self._send("warm-up", [f"w{n}@w.example" for n in range(20)])
        rates = tuple([await self._round(number) for number in range(ROUNDS)])
        paused = await self.connection.fetchval("select count(*) from relay_event where until is not null")
        retried = await self.connection.fetchval(
            "select count(*) from attempt a join message m on m.customer_id = a.customer_id and m.id = a.message_id"
            " where a.number > 1 and m.recipient not like 'poison%'"
        )
        await self._break("mail", broken)
        await self._break("data", broken)
        return PoisonCounts(
            rates=rates,
            failures=dict(self.failures),
            held_up=tuple(self.held_up),
            retried=retried,
            paused=paused,
            broken=await self._statuses("x%@broken%"),
            unrecorded=len(self.answers.attempts - await self._recorded()),
        )

    async def _round(self, number: int) -> tuple[float, float]:
        """One pair of runs; returns their rates."""
        usual = await self._send("without poison", self._good(f"a{number}n"))
        poison = {f"poison{number}@p{place}.example": kind for place, kind in enumerate(KINDS.values())}
        self.answers.poison = poison
        poisoned = await self._send("with poison", self._good(f"b{number}n", *poison), left=len(poison))
        for name, address in zip(KINDS, poison, strict=True):
            self.failures[name] += len(self.answers.failures.get(address, ()))
            if not self._flows(address, poisoned):
                self.held_up.append(name)
        self.answers.poison = {}
        await self._send("the end of poison", [])
        return _rate(usual), _rate(poisoned)

    def _good(self, run: str, *first: str) -> list[str]:
        """Addresses of one run: `first`, then good ones, those of poisoned domains spread among the others."""
        others = [f"{run}{n}@other{n % 50}.example" for n in range(self.mails)]
        near = [f"{run}near{n}@p{n % len(KINDS)}.example" for n in range(NEIGHBOURS * len(KINDS))]
        every = max(1, self.mails // len(near))
        mixed = []
        for number, address in enumerate(others):
            mixed.append(address)
            if number % every == 0 and near:
                mixed.append(near.pop())
        return [*first, *mixed, *near]

    async def _send(self, what: str, addresses: list[str], *, left: int = 0) -> list[ReceivedMessage]:
        """Launch, wait until all but `left` are decided; returns what the server took of it."""
        taken = len(self.world.smtp.taken)
        if addresses:
            await launch(self.world.settings, addresses)

        async def decided() -> bool:
            # In this order: what is made after the outbox was counted is not in it.
            if await self.connection.fetchval(UNMADE) > 0:
                return False
            return bool(await self.connection.fetchval("select count(*) from outbox") <= left)

        await eventually(decided, f"the end of the run {what}", seconds=PATIENCE_SECONDS)
        return self.world.smtp.taken[taken:]

    async def _break(self, stage: str, mails: int) -> None:
        """Answer 503 to everybody at this stage until the relay is paused; then it works again."""
        self.answers.broken = stage
        sending = [f"x{stage}{n}@broken{n % 7}.example" for n in range(mails)]
        await launch(self.world.settings, sending)

        async def paused() -> bool:
            return bool(await self.connection.fetchval("select exists (select from relay where paused_until > now())"))

        await eventually(paused, "the pause of the broken relay", seconds=PATIENCE_SECONDS)
        self.answers.broken = ""
        await self._send("broken", [f"y{stage}@broken.example"])

    def _flows(self, poisoned: str, taken: list[ReceivedMessage]) -> bool:
        """Whether a good mail to the domain was taken between the first and the last failure of the poisoned one."""
        domain, failures = poisoned.partition("@")[2], self.answers.failures.get(poisoned, [])
        return any(
            min(failures, default=0.0) < mail.at < max(failures, default=0.0)
            for mail in taken
            if mail.recipients[0].endswith(f"@{domain}")
        )

    async def _statuses(self, recipient: str) -> dict[str, int]:
        rows = await self.connection.fetch("select status::text from message where recipient like $1", recipient)
        return dict(Counter(row["status"] for row in rows))

    async def _recorded(self) -> set[AttemptKey]:
        rows = await self.connection.fetch("select message_id, number from attempt")
        return {(row["message_id"], row["number"]) for row in rows}


def _rate(taken: list[ReceivedMessage]) -> float:
    """Mails to other domains a second, from the first to the last that the server took."""
    times = [mail.at for mail in taken if "@other" in mail.recipients[0]]
    return (len(times) - 1) / (max(times) - min(times))
