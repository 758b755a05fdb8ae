"""What a mail costs in CPU time: the gateway with its ledger, its sender alone, and other senders, in one run.

KINDS='sender plain' measures only some, TURNS=5 more turns, OLD=<commit> that commit's tree beside the present one, in
turn.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from tests.bench import anchors
from tests.bench.commits import ROOT, short_name, tree_of
from tests.bench.cpu_time import Turn, described, middle, python_build
from tests.bench.rows import Row, Size, bench, cheaper
from tests.bench.sink import Sink, chosen_sink
from tests.bench.steady import Window, window_of
from tests.bench.trees import Tree, measured_tree

PRESENT = "present"
"""The name of the present tree; an older one is named by its commit."""
TURNS = 3
PATIENCE = 3.5
"""With the usual number of turns none begins that would end after so many times the benchmark's seconds: on a machine
that is busy with something else there are fewer."""
SHARE = {
    "sender": 0.2,
    "plain": 0.1,
    "found": 0.1,
    "tracked": 0.1,
    "ed25519": 0.08,
    "rsa": 0.05,
    "smtp-source": 0.15,
    "nodemailer": 0.025,
    "naive": 0.01,
}
"""Mails of each kind a turn, as a share of the benchmark's size: each takes some seconds. `found` is `plain` with its
search rows, as in production; of all others the job that writes them does nothing, since the goals are of sending."""
OF_A_TREE = ("sender", "plain", "found", "tracked", "ed25519", "rsa")
ANCHORS: dict[str, Callable[[], str | None]] = {
    "smtp-source": anchors.why_no_smtp_source,
    "nodemailer": anchors.why_no_nodemailer,
    "naive": lambda: None,
}
"""The other senders, and what says why one cannot be measured."""
SIGNED_BYTES = 700
"""About what DKIM signs of a mail: its headers."""
SIGNATURES = 200

GOAL_OF_SENDER = {"plain": 0.34, "ed25519": 0.2}
"""The sender alone over the whole, in CPU."""
GOAL_OF_SIGNATURE = 0.55
"""The bare RSA-2048 signature over the whole."""
GOAL_WITHOUT_SIGNATURE = 0.23
"""The sender alone over the whole without the bare RSA-2048 signature."""
GOAL_OF_ANCHOR = {"smtp-source": 0.65, "nodemailer": 7.0, "naive": 30.0}
"""The other sender over ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is measured, how often, and the commit beside it. `hurries`: fewer turns on a slow machine."""

    kinds: tuple[str, ...]
    turns: int
    old: str | None
    hurries: bool = True

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Plan:
        """Reads KINDS, TURNS and OLD. Raises SystemExit for a kind that there is not, or turns that are no number."""
        kinds = tuple((environment.get("KINDS") or " ".join(SHARE)).split())
        if not set(kinds) <= set(SHARE):
            raise SystemExit(f"KINDS are of: {' '.join(SHARE)}")
        turns = environment.get("TURNS") or str(TURNS)
        if not turns.isdecimal() or int(turns) < 1:
            raise SystemExit(f"TURNS is a number from 1: {turns!r}")
        return cls(
            kinds=kinds,
            turns=int(turns),
            old=environment.get("OLD") or None,
            hurries=not environment.get("TURNS"),
        )


def is_late(elapsed: float, *, turns: int, limit: float) -> bool:
    """Whether another turn, as long as those before it, would end after the limit; the first always begins."""
    return turns > 0 and elapsed / turns * (turns + 1) > limit


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The turns of each kind, of each tree by its name; other senders, and bare signatures in microseconds."""

    trees: dict[str, dict[str, list[Turn]]] = field(default_factory=dict)
    others: dict[str, list[Turn]] = field(default_factory=dict)
    signatures: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What is open during a run, and what was measured so far."""

    plan: Plan
    windows: Mapping[str, Window]
    keys: Mapping[str, Path]
    trees: Sequence[Tree]
    others: Mapping[str, Callable[[Window], Awaitable[Turn]]]
    measured: Measured = field(default_factory=Measured)

    async def take_turn(self, number: int) -> None:
        """Measure everything once; which tree is the first changes from turn to turn."""
        for kind in [kind for kind in self.plan.kinds if kind in OF_A_TREE]:
            for tree in self.trees if number % 2 == 0 else reversed(self.trees):
                turn = await _measure(tree, kind, self.windows[kind], self.keys)
                self.measured.trees.setdefault(tree.name, {}).setdefault(kind, []).append(turn)
        for kind, measure in self.others.items():
            self.measured.others.setdefault(kind, []).append(await measure(self.windows[kind]))
        for kind, path in self.keys.items():
            self.measured.signatures.setdefault(kind, []).append(signature_cost(path))


@bench("cpu")
async def cpu(size: Size) -> list[Row]:
    """Everything in turn, so that whatever else the machine does affects all alike."""
    plan = Plan.read(os.environ)
    async with AsyncExitStack() as stack:
        sink = stack.enter_context(chosen_sink())
        session = await _open(stack, plan, size, sink)
        begun, turns = time.monotonic(), 0
        while turns < plan.turns and not (
            plan.hurries and is_late(time.monotonic() - begun, turns=turns, limit=size.seconds * PATIENCE)
        ):
            await session.take_turn(turns)
            turns += 1
    return [*rows_of(session.measured, f"{sink.kind}, {python_build()}, {turns} turns"), *_skipped(plan)]


async def _open(stack: AsyncExitStack, plan: Plan, size: Size, sink: Sink) -> Session:
    windows = {kind: window_of(max(200, int(size.messages * share))) for kind, share in SHARE.items()}
    trees = await _open_trees(stack, plan, sink, max(windows[kind].mails for kind in OF_A_TREE[1:]))
    return Session(
        plan=plan,
        windows=windows,
        keys=_keys(Path(stack.enter_context(tempfile.TemporaryDirectory()))),
        trees=trees,
        others=await _open_others(stack, plan, sink, trees[0]),
    )


async def _open_trees(stack: AsyncExitStack, plan: Plan, sink: Sink, customers: int) -> list[Tree]:
    """The present tree, and the older one when there is one."""
    places = {PRESENT: ROOT}
    if plan.old is not None:
        places[short_name(plan.old)] = stack.enter_context(tree_of(plan.old))
    return [
        await stack.enter_async_context(measured_tree(name, path, sink, customers=customers))
        for name, path in places.items()
    ]


async def _open_others(
    stack: AsyncExitStack, plan: Plan, sink: Sink, tree: Tree
) -> dict[str, Callable[[Window], Awaitable[Turn]]]:
    """The other senders that are wanted and can be measured here."""
    found: dict[str, Callable[[Window], Awaitable[Turn]]] = {}
    wanted = [kind for kind, why_not in ANCHORS.items() if kind in plan.kinds and why_not() is None]
    if "smtp-source" in wanted:
        found["smtp-source"] = lambda window: anchors.smtp_source(sink, window)
    if "nodemailer" in wanted:
        found["nodemailer"] = lambda window: anchors.nodemailer(sink, window)
    if "naive" in wanted:
        naive = await stack.enter_async_context(anchors.naive_sender(sink, tree.url, tree.postgres))
        found["naive"] = naive.measure
    return found


async def _measure(tree: Tree, kind: str, window: Window, keys: Mapping[str, Path]) -> Turn:
    if kind == "sender":
        return await tree.sender(window)
    return await tree.gateway(window, tracked=kind == "tracked", dkim_key=keys.get(kind), found=kind == "found")


def _keys(directory: Path) -> dict[str, Path]:
    """Writes a new key of each kind; returns their files."""
    made: dict[str, Any] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }
    paths = {kind: directory / f"{kind}.pem" for kind in made}
    for kind, key in made.items():
        paths[kind].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return paths


def signature_cost(path: Path) -> float:
    """Returns the CPU microseconds of a bare signature with this key, in this process."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    signed = b"x" * SIGNED_BYTES
    begun = time.process_time()
    for _ in range(SIGNATURES):
        if isinstance(key, rsa.RSAPrivateKey):
            key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            key.sign(signed[:32])
    return (time.process_time() - begun) / SIGNATURES * 1e6


# Rows ------------------------------------------------------------------------------------------------------------


def rows_of(measured: Measured, about: str) -> list[Row]:
    """Returns the rows of all that was measured; `about` says by what."""
    present = measured.trees.get(PRESENT, {})
    rows = own_rows(present, measured.signatures, about)
    rows += other_rows(present, measured.others)
    for name, turns in measured.trees.items():
        rows += old_rows(name, turns, present) if name != PRESENT else []
    return rows


def own_rows(turns: Mapping[str, list[Turn]], signatures: Mapping[str, Sequence[float]], about: str) -> list[Row]:
    """Each kind beside the sender alone, and with RSA-2048 beside the bare signature, too."""
    costs = {kind: middle(found).cost for kind, found in turns.items()}
    rows = []
    for kind, found in turns.items():
        note = f"{described(found)}; {about}"
        if kind == "sender" or "sender" not in costs:
            rows.append(Row(name=f"cpu-{kind}", value=costs[kind], unit="us a mail", note=note))
        else:
            note = f"{note}; against the sender alone"
            goal = GOAL_OF_SENDER.get(kind)
            rows.append(cheaper(f"cpu-{kind}", costs[kind], than=costs["sender"], goal=goal, note=note))
    if "rsa" in costs:
        rows += signature_rows(costs["rsa"], _median(signatures["rsa"]), costs.get("sender"))
    return rows


def signature_rows(whole: float, bare: float, sender: float | None) -> list[Row]:
    """What RSA-2048 costs beside what the signature itself must."""
    rows = [
        cheaper(
            "cpu-rsa-signature", whole, than=bare, goal=GOAL_OF_SIGNATURE, note="against the bare RSA-2048 signature"
        )
    ]
    if sender is not None:
        note = "RSA-2048 without the bare signature; against the sender alone"
        goal = GOAL_WITHOUT_SIGNATURE
        rows.append(cheaper("cpu-rsa-rest", whole - bare, than=sender, goal=goal, note=note))
    return rows


def other_rows(turns: Mapping[str, list[Turn]], others: Mapping[str, list[Turn]]) -> list[Row]:
    """The other senders' costs, and how many times cheaper ours is: plain, with its search rows, tracked."""
    rows = [
        Row(name=f"cpu-{name}", value=middle(found).cost, unit="us a mail", note=described(found))
        for name, found in others.items()
    ]
    for kind in ("plain", "found", "tracked"):
        for name, found in others.items() if kind in turns else ():
            goal = GOAL_OF_ANCHOR[name] if kind == "plain" else None
            ours, theirs = middle(turns[kind]).cost, middle(found).cost
            rows.append(cheaper(f"cpu-{kind}-{name}", ours, than=theirs, goal=goal, note=f"against {name}"))
    return rows


def old_rows(commit: str, old: Mapping[str, list[Turn]], new: Mapping[str, list[Turn]]) -> list[Row]:
    """How many times cheaper each kind is than at an older commit."""
    rows = []
    for kind, before in old.items():
        after = new[kind]
        ratios = sorted(then.cost / now.cost for then, now in zip(before, after, strict=True))
        note = f"{commit}: {described(before)}; turn by turn {ratios[0]:.2f} to {ratios[-1]:.2f}"
        rows.append(cheaper(f"cpu-{kind}-since", middle(after).cost, than=middle(before).cost, goal=None, note=note))
    return rows


def _median(values: Sequence[float]) -> float:
    return sorted(values)[(len(values) - 1) // 2]


def _skipped(plan: Plan) -> list[Row]:
    """A row that says why for each other sender that is wanted and cannot be measured."""
    return [
        Row(name=f"cpu-{kind}", value=0.0, unit="skipped", note=why)
        for kind, why_not in ANCHORS.items()
        if kind in plan.kinds and (why := why_not()) is not None
    ]
