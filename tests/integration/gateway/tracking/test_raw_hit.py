"""Hits as they come: written once, kept by the setting of privacy."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from gateway.deployment import Deployment
from gateway.mail.hit import HitKind
from gateway.mail.message import MessageRef
from gateway.settings import OriginPrivacy, Settings
from gateway.tracking.raw_hit import RawHit, insert_hits, new_hit_id, origin_of
from tests.hits import make_ref, raw


async def test_a_group_written_twice_is_there_once(connection: Any) -> None:
    ref = await make_ref(connection)
    group = [raw(ref), raw(ref, kind=HitKind.OPEN, link=None, url=None)]
    for _ in range(2):
        await insert_hits(connection, group, at=time.time())
    rows = await connection.fetch("select head, prefetch, honeypot from hit")
    assert [tuple(row.values()) for row in rows] == [(False, False, False)] * 2


@pytest.mark.parametrize(
    ("random", "expected"),
    [
        ("ff01ff02fc03fb04fa05", "00000000-03e8-7f01-bf02-fc03fb04fa05"),
        ("00fe00fdfc03fb04fa05", "00000000-03e8-70fe-80fd-fc03fb04fa05"),
    ],
)
def test_a_hits_id_is_its_moment_and_74_random_bits(
    monkeypatch: pytest.MonkeyPatch, random: str, expected: str
) -> None:
    monkeypatch.setattr("os.urandom", lambda count: bytes.fromhex(random)[:count])
    assert str(new_hit_id(1.0)) == expected


async def test_a_hit_survives_the_list(connection: Any) -> None:
    one = raw(MessageRef(customer_id=2**62, message_id=uuid4()), origin="o", head=True, url="https://bücher.example/")
    assert RawHit.from_json(one.to_json()) == one


@pytest.mark.parametrize(
    ("privacy", "check"),
    [
        (OriginPrivacy.FULL, lambda kept: kept == "192.0.2.7"),
        (OriginPrivacy.HASH, lambda kept: len(kept) == 32 and "192" not in kept),
        (OriginPrivacy.NONE, lambda kept: kept is None),
    ],
)
def test_network_addresses_are_kept_as_the_setting_says(settings: Settings, privacy: OriginPrivacy, check: Any) -> None:
    deployment = Deployment.open(settings.model_copy(update={"origin_privacy": privacy}))
    assert check(origin_of("192.0.2.7", deployment))
    # the same address written the other way is the same origin
    assert origin_of("::ffff:192.0.2.7", deployment) == origin_of("192.0.2.7", deployment)
    assert origin_of("testclient", deployment) is None
    assert origin_of(None, deployment) is None
