"""Campaigns of any lists and customers, and the plain reading of whom a mailing of theirs is for."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from gateway.mail.address import address_key
from tests.builders import KEYRING, insert, mailing_of, make_customer
from tests.integration.gateway.campaigns.audiences import DUE, dynamic_list, fixed_list, make_draft

ADDRESSES = [f"a{number}@customer.example" for number in range(9)]
PAGE = (
    "<p>{{ first_name }} of {{ customer.attributes.city }}</p>"
    '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">unsubscribe</a></p>'
)


@dataclass(kw_only=True, slots=True)
class Person:
    """A customer as the model sees it."""

    id: int
    addresses: list[str]
    tag: str | None
    has_city: bool
    erased: bool
    opted_out: bool = False


@dataclass(kw_only=True, slots=True)
class World:
    """A campaign as the model sees it: lists are sets of customers."""

    people: list[Person] = field(default_factory=list)
    within: list[set[int]] = field(default_factory=list)
    excluded: list[set[int]] = field(default_factory=list)
    named: dict[int, tuple[str | None, bool]] = field(default_factory=dict)
    opted_out_addresses: set[str] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    everybody_has_a_name: bool = True
    mailing_id: int = 0


def expected(world: World) -> dict[int, str]:
    """The model: of each customer in the audience the address that is mailed, or why none is."""
    holders_opted_out = {address for one in world.people if one.opted_out for address in one.addresses}
    chosen_so = world.opted_out_addresses | holders_opted_out
    members = set().union(*world.within) - set().union(*world.excluded)
    mailed: dict[int, str] = {}
    for one in world.people:
        if one.id in members or one.id in world.named:
            wanted, has_name = world.named.get(one.id, (None, False))
            fitting = [address for address in one.addresses if wanted in (None, address.upper())]
            if one.erased:
                mailed[one.id] = "ERASED"
            elif not fitting:
                mailed[one.id] = "NO_ADDRESS"
            elif fitting[0] in chosen_so:
                mailed[one.id] = "OPTED_OUT"
            elif fitting[0] in world.suppressed:
                mailed[one.id] = "SUPPRESSED"
            elif not one.has_city or not (has_name or world.everybody_has_a_name):
                mailed[one.id] = "MERGE_FIELD_MISSING"
            else:
                mailed[one.id] = "DUPLICATE_ADDRESS" if fitting[0] in mailed.values() else fitting[0]
    return mailed


async def populate(connection: Any, dice: random.Random, version: Any) -> World:
    """Customers, lists and choices of any kind, and a draft for them."""
    world = World(everybody_has_a_name=dice.random() < 0.7)
    for _ in range(dice.randrange(1, 16)):
        tag, has_city, erased = dice.choice(["vip", "gold", None]), dice.random() < 0.9, dice.random() < 0.05
        addresses = dice.sample(ADDRESSES, dice.choice([0, 1, 1, 1, 2]))
        customer_id = await make_customer(
            connection, addresses=addresses, tags=[tag] if tag else [], attributes={"city": "Ulm"} if has_city else {},
            erased_at=DUE if erased else None,
        )  # fmt: skip
        world.people.append(Person(id=customer_id, addresses=addresses, tag=tag, has_city=has_city, erased=erased))
    await choose(connection, world, dice)
    lists = {False: list[int](), True: list[int]()}
    for excluded, known, many in ((False, world.within, dice.randrange(4)), (True, world.excluded, dice.randrange(3))):
        for _ in range(many):
            list_id, members = await make_list(connection, world, dice)
            lists[excluded].append(list_id)
            known.append(members)
    campaign_id = await make_draft(
        connection, version, lists=lists[False], excluded=lists[True],
        merge_data={"first_name": "you"} if world.everybody_has_a_name else {},
    )  # fmt: skip
    for position, one in enumerate(dice.sample(world.people, dice.randrange(len(world.people) + 1)), start=1):
        wanted = dice.choice([None, None, dice.choice(ADDRESSES).upper()])
        data = dice.choice([{}, {"first_name": "Ann"}])
        world.named[one.id] = (wanted, bool(data))
        await insert(
            connection, "campaign_customer", campaign_id=campaign_id, position=position, customer_id=one.id,
            address=wanted, merge_data=data,
        )  # fmt: skip
    world.mailing_id = await mailing_of(connection, campaign_id)
    return world


async def choose(connection: Any, world: World, dice: random.Random) -> None:
    """Opt-outs of customers and addresses, also of another kind, and suppressions."""
    for one in world.people:
        for kind, often in (("MARKETING", 0.1), ("EVENT_BASED", 0.3)):
            if dice.random() < often:
                await insert(connection, "opt_out", customer_id=one.id, kind=kind, source="STAFF", actor="test")
                one.opted_out |= kind == "MARKETING"
    for address in ADDRESSES:
        key = address_key(address, KEYRING.address_key)
        if dice.random() < 0.1:
            world.opted_out_addresses.add(address)
            await insert(
                connection, "address_opt_out", address_key=key, kind="MARKETING", source="LINK", actor="customer"
            )
        if dice.random() < 0.1:
            world.suppressed.add(address)
            await insert(connection, "suppression", address_key=key, reason="COMPLAINT", actor="test")


async def make_list(connection: Any, world: World, dice: random.Random) -> tuple[int, set[int]]:
    """A list of either kind, and whom it holds."""
    if dice.random() < 0.4:
        tag = dice.choice(["vip", "gold"])
        return await dynamic_list(connection, tag), {
            one.id for one in world.people if one.tag == tag and not one.erased
        }
    members = {one.id for one in world.people if dice.random() < 0.5}
    return await fixed_list(connection, sorted(members)), members
