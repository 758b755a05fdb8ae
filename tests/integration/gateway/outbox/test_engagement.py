"""What people did with campaign mail: counted by recipients, exactly, whatever comes in which order."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gateway.consent.opt_outs import opt_out_by_link
from gateway.deployment import Deployment
from gateway.mail.choice import OptOutSource
from gateway.mail.message import MessageRef
from gateway.outbox.engagement import Choice, note_choice
from gateway.settings import Settings
from gateway.tracking.classify import classify_due, reclassify
from gateway.tracking.hit_rules import read_hit_rules
from tests.builders import insert, mailing_of, make_campaign, make_template_version
from tests.hits import CHROME, START, hit, make_ref
from tests.results import results_amiss

RULES = read_hit_rules()
STRICTER = replace(RULES, version=RULES.version + 1, scanner=re.compile("Chrome"))
"""By which every reader is a machine."""
AGENTS = (CHROME, "", "GoogleImageProxy", "Frobnicator/1.0")
TWO_LINKS_TO_ONE_PLACE = {
    "html": [
        ["text", "<a href="],
        ["link", 1, [["text", "https://shop.example/1"]]],
        ["link", 2, [["text", "https://shop.example/"], ["field", "code", None]]],
        ["link", 3, [["text", "https://shop.example/1"]]],
    ],
    "text": [["link", 4, [["text", "https://shop.example/4"]]]],
}


async def counts(connection: Any, mailing: int) -> dict[str, int]:
    row = await connection.fetchrow(
        "select sum(opened)::int as opened, sum(opened_unsure)::int as opened_unsure, sum(clicked)::int as clicked,"
        " sum(machine_only)::int as machine_only, sum(unsubscribed)::int as unsubscribed,"
        " sum(complained)::int as complained, sum(replied)::int as replied from mailing_tally where mailing_id = $1",
        mailing,
    )
    return {name: count for name, count in row.items() if count}


async def classify(connection: Any, seconds: float = 3600) -> None:
    while await classify_due(connection, START + timedelta(seconds=seconds)):
        pass


@pytest.fixture
async def campaign(connection: Any) -> UUID:
    version = await make_template_version(connection, compiled=TWO_LINKS_TO_ONE_PLACE, links=4)
    return await make_campaign(connection, template_version_id=version)


async def test_a_recipient_is_counted_once_as_a_person_perhaps_one_or_a_machine(
    connection: Any, campaign: UUID
) -> None:
    # Given four recipients: a reader who opens and clicks twice, an image proxy's, a scanner's, and one of nobody's
    reader, proxied, scanned, _ = [await make_ref(connection, campaign_id=campaign) for _ in range(4)]
    for seconds in (0, 100):
        await hit(connection, reader, seconds)
        await hit(connection, reader, seconds + 10, link=1)
        await hit(connection, proxied, seconds, agent="GoogleImageProxy")
        await hit(connection, scanned, seconds, agent="")
    # When their hits are classified
    await classify(connection)
    # Then each stands in one count, and who clicked has opened it
    mailing = await mailing_of(connection, campaign)
    assert await counts(connection, mailing) == {"opened": 1, "opened_unsure": 1, "clicked": 1, "machine_only": 1}
    assert await results_amiss(connection) == []


async def test_links_to_one_place_are_one_and_fields_stand_for_their_values(connection: Any, campaign: UUID) -> None:
    # Given two readers, of whom one follows both links to the same place, and one a link with a field
    ann, bob = [await make_ref(connection, campaign_id=campaign) for _ in range(2)]
    await hit(connection, ann, 0, link=1)
    await hit(connection, ann, 60, link=3)
    await hit(connection, bob, 0, link=2, origin="bob")
    await hit(connection, bob, 60, link=9, origin="bob")  # which the template does not show
    await classify(connection)
    # Then places are counted, not numbers, and no reader's own address is shown for all
    rows = await connection.fetch("select url, clicks, people from mailing_link where clicks > 0 order by url")
    assert [tuple(row) for row in rows] == [
        ("https://shop.example/1", 2, 1),
        ("https://shop.example/9", 1, 1),
        ("https://shop.example/{{ code }}", 1, 1),
    ]
    assert await results_amiss(connection) == []


async def test_counts_follow_when_hits_are_classified_anew(
    connection: Any, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a reader who opened and clicked
    reader = await make_ref(connection, campaign_id=campaign)
    await hit(connection, reader, 0)
    await hit(connection, reader, 60, link=1)
    await classify(connection)
    # When newer rules take the browser for a machine's
    monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda: STRICTER)
    await reclassify(connection)
    # Then the counts say so, and say as before when the rules go back
    mailing = await mailing_of(connection, campaign)
    assert await counts(connection, mailing) == {"machine_only": 1}
    assert await connection.fetchval("select sum(clicks)::int + sum(people)::int from mailing_link") == 0
    monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda: RULES)
    await reclassify(connection)
    assert await counts(connection, mailing) == {"opened": 1, "clicked": 1}
    assert await results_amiss(connection) == []


async def test_what_is_told_twice_counts_once_and_individual_mail_not_at_all(connection: Any, campaign: UUID) -> None:
    reader, individual = await make_ref(connection, campaign_id=campaign), await make_ref(connection)
    for _ in range(2):
        for choice in Choice:
            await note_choice(connection, reader, choice)
            await note_choice(connection, individual, choice)
    mailing = await mailing_of(connection, campaign)
    assert await counts(connection, mailing) == {"unsubscribed": 1, "complained": 1, "replied": 1}
    assert await connection.fetchval("select count(*) from message_engagement") == 1


class _Life:
    """Generated histories of three campaigns' mail and of an individual mail."""

    def __init__(self, connection: Any, deployment: Deployment, seed: int) -> None:
        self.connection = connection
        self.deployment = deployment
        self.random = random.Random(seed)
        self.refs: list[MessageRef] = []
        self.seconds = 0.0

    async def begin(self) -> None:
        version = await make_template_version(self.connection, compiled=TWO_LINKS_TO_ONE_PLACE, links=4)
        campaigns = [await make_campaign(self.connection, template_version_id=version) for _ in range(3)]
        for campaign in [*campaigns * 3, None]:
            self.refs.append(await make_ref(self.connection, campaign_id=campaign))

    async def step(self) -> None:
        ref = self.random.choice(self.refs)
        self.seconds += self.random.choice((0.1, 1, 30, 600))
        match self.random.randrange(8):
            case 0:
                await self._choose(ref)
            case 1:
                await classify(self.connection, self.seconds)
            case 2:
                await reclassify(self.connection, customer_id=self.random.choice((None, ref.customer_id)))
            case _:
                link = self.random.choice((None, 1, 2, 3, 4, 7))
                origin = str(self.random.randrange(3))
                await hit(
                    self.connection, ref, self.seconds, link=link, agent=self.random.choice(AGENTS), origin=origin
                )

    async def _choose(self, ref: MessageRef) -> None:
        of = {"customer_id": ref.customer_id, "message_id": ref.message_id, "actor": "gateway"}
        match self.random.choice(list(Choice)):
            case Choice.UNSUBSCRIBED:
                await opt_out_by_link(
                    self.connection, ref, kinds=None, source=OptOutSource.LINK, deployment=self.deployment
                )
            case Choice.COMPLAINED:
                await insert(self.connection, "event", **of, kind="COMPLAINED", data={"feedbackType": "ABUSE"})
                await note_choice(self.connection, ref, Choice.COMPLAINED)
            case Choice.REPLIED:
                await insert(self.connection, "event", **of, kind="REPLIED", data={"automatic": False})
                await note_choice(self.connection, ref, Choice.REPLIED)


@pytest.mark.parametrize("seed", range(6))
async def test_a_recount_gives_the_same_after_any_history(
    connection: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    life = _Life(connection, Deployment.open(settings), seed)
    await life.begin()
    for number in range(60):
        rules = STRICTER if life.random.random() < 0.2 else RULES
        monkeypatch.setattr("gateway.tracking.classify.read_hit_rules", lambda rules=rules: rules)
        await life.step()
        if number % 10 == 9:
            assert await results_amiss(connection) == [], f"after step {number}"
    await classify(connection, life.seconds + 3600)
    assert await results_amiss(connection) == []
    assert await connection.fetchval("select count(*) from message_engagement") > 0
