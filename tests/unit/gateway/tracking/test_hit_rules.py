"""The rules for hits: what is wrong in the file is refused, and each of its values means what is said here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from gateway.mail.hit import Hit, HitContext, HitKind, HitVerdict, busy_spans, classify_hits
from gateway.rule_files import RulesError, read_rules_file
from gateway.tracking import hit_rules
from gateway.tracking.hit_rules import parse_hit_rules, read_hit_rules

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"


def test_rules_that_are_wrong_are_refused() -> None:
    table = read_rules_file("hits")
    with pytest.raises(KeyError, match="version"):
        parse_hit_rules({name: value for name, value in table.items() if name != "version"})
    for patterns in ([""], [], ["curl", ""]):
        with pytest.raises(ValueError, match="empty"):
            parse_hit_rules(table | {"agents": table["agents"] | {"scanner": patterns}})


@pytest.mark.parametrize(
    "table", [{}, {"version": "x"}, read_rules_file("hits") | {"agents": {"privacy_proxy": [], "image_proxy": ["("]}}]
)
def test_a_file_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, table: dict[str, object]) -> None:
    monkeypatch.setattr(hit_rules, "read_rules_file", lambda _: table)
    with pytest.raises(RulesError, match=r"rules/hits\.toml: \w+: "):
        read_hit_rules.__wrapped__()


def clicked(seconds: Sequence[float]) -> list[HitVerdict]:
    """Returns the verdicts on clicks by one reader, each on another link of one mail, at these moments."""
    context = HitContext(answered_at=NOON - timedelta(days=1), undecided=False, busy={})
    return [
        made.verdict
        for made in classify_hits(
            [hit(number, moment, link=number) for number, moment in enumerate(seconds)], context, read_hit_rules()
        )
    ]


def hit(number: int, seconds: float, *, link: int | None, kind: HitKind = HitKind.CLICK, agent: str = CHROME) -> Hit:
    return Hit(
        id=UUID(int=number),
        kind=kind,
        occurred_at=NOON + timedelta(seconds=seconds),
        link=link,
        origin="ann",
        agent=agent,
    )


@pytest.mark.parametrize("moments", [[0, 0.5], [0, 1, 2], [0, 1, 3, 4, 6]])
def test_so_many_links_within_so_long_are_a_burst_and_a_moment_slower_they_are_a_person(moments: list[float]) -> None:
    assert clicked(moments) == [HitVerdict.MACHINE] * len(moments)
    assert clicked([*moments[:-1], moments[-1] + 0.001]) == [HitVerdict.HUMAN] * len(moments)


def test_a_person_may_open_five_links_in_half_a_minute() -> None:
    assert clicked([0, 6, 12, 20, 30]) == [HitVerdict.HUMAN] * 5
    assert clicked([0, 1.9, 3.8, 5.7, 7.6]) == [HitVerdict.HUMAN] * 5


def test_a_burst_reaches_ten_minutes_before_and_after() -> None:
    context = HitContext(answered_at=NOON - timedelta(days=1), undecided=False, busy={})
    for seconds, verdict in [(-600, "MACHINE"), (-600.1, "HUMAN"), (600.2, "MACHINE"), (600.3, "HUMAN")]:
        beside = hit(9, seconds, link=None, kind=HitKind.OPEN)
        hits = sorted([hit(1, 0, link=1), hit(2, 0.2, link=2), beside], key=lambda each: each.occurred_at)
        made = classify_hits(hits, context, read_hit_rules())
        assert made[hits.index(beside)].verdict == verdict


def test_one_origin_on_five_messages_within_five_seconds_is_busy() -> None:
    def spans(count: int, last: float) -> int:
        moments = [NOON + timedelta(seconds=last * n / (count - 1)) for n in range(count)]
        return len(busy_spans([(moment, UUID(int=n)) for n, moment in enumerate(moments)], read_hit_rules()))

    assert (spans(5, 5), spans(5, 5.004), spans(4, 1)) == (1, 0, 0)


def test_a_hit_is_classified_four_seconds_after_it_came() -> None:
    assert read_hit_rules().settle == timedelta(seconds=4)


AGENTS = {
    # programs and libraries
    "MACHINE": """curl/8.9|Wget/1.21|python-requests/2.32|aiohttp/3.9|Go-http-client/2.0|Java/17|okhttp/4.9
        Apache-HttpClient/4.5|libwww-perl/6.6|Ruby|node-fetch|axios/1.6|undici|PHP/8|GuzzleHttp/7|Dart/3|PowerShell/7
        WinHttp.WinHttpRequest|x HeadlessChrome/1|x PhantomJS|x Puppeteer|x Playwright|x Selenium
        x SomeBot/1|x crawler|x Spider|x Slurp|x Preview|x facebookexternalhit/1|x WhatsApp/2|SkypeUriPreview|x Embedly
        x Barracuda|x Proofpoint|x Mimecast|x BitDefender|x TrendMicro|x Trend Micro|x Symantec|x MessageLabs|x FireEye
        x CheckPoint|x Check Point|x IronPort|x Sophos|x Fortinet|x FortiGuard|x Forcepoint|x Zscaler|x Avanan
        x Cloudmark|x VadeSecure|x Vade Secure|x Hornetsecurity|x SpamAssassin|x Rspamd|x ClamAV|x Kaspersky|x ESET x
        x McAfee|x Trellix|x PaloAlto|x UrlDefense|x SafeLinks|x urlscan_io|x VirusTotal|x PhishTank|x Scanner
        x virus-scan|x Google-Safety|x Google-Read-Aloud|x Google-InspectionTool|x SkypeUri y""",
    "UNKNOWN": """GoogleImageProxy|YahooMailProxy|YahooMailImageProxy|DuckDuckGo-Image|DuckDuckGoImage
        Fabrikam Reader 1|Mozilla/5.0 (compatible)|Resetter|x Curl/8|x python|x java/1""",
    "HUMAN": """Mozilla/5.0 (Foo) AppleWebKit/5|Mozilla/5.0 (Foo) Gecko/1|Mozilla/5.0 (Foo) Trident/7
        Mozilla/5.0 (Foo) Presto/2|Mozilla/5.0 (Foo) KHTML/4|Mozilla/4.0 (compatible; MSIE 8|Opera/9.80
        Mozilla/4.0 (compatible; ms-office|Microsoft Office/16.0|x Microsoft Outlook 16|Outlook-iOS/7|Outlook-Android/7
        x Thunderbird/128|Airmail 5|Spark/3|Mozilla/5.0 (Macintosh)|Mozilla/5.0 (iPhone)|Mozilla/5.0 (iPad)
        Mozilla/5.0 (X11)|Mozilla/5.0 (Windows)|Mozilla/5.0 (Linux)|Mozilla/5.0 (Android)|Opera/9 CUBOT""",
}
"""An agent for every alternative of every pattern, and some beside them."""


@pytest.mark.parametrize("verdict", AGENTS)
def test_every_agent_of_the_lists_is_recognised(verdict: str) -> None:
    agents = [agent.strip() for line in AGENTS[verdict].splitlines() for agent in line.split("|")]
    context = HitContext(answered_at=None, undecided=False, busy={})
    wrong = [
        agent
        for agent in agents
        if classify_hits([hit(1, 0, link=1, agent=agent)], context, read_hit_rules())[0].verdict != verdict
    ]
    assert wrong == []


def test_every_pattern_of_the_lists_has_an_agent_of_its_own() -> None:
    # Without it, one of these agents is classified otherwise
    table = read_rules_file("hits")
    context = HitContext(answered_at=None, undecided=False, busy={})
    agents = [agent.strip() for text in AGENTS.values() for line in text.splitlines() for agent in line.split("|")]
    hits = [hit(1, 0, link=1, agent=agent) for agent in agents]

    def verdicts(agents: dict[str, list[str]]) -> list[str]:
        rules = parse_hit_rules(table | {"agents": agents})
        return [classify_hits([one], context, rules)[0].verdict for one in hits]

    shipped = verdicts(table["agents"])
    for name in ("scanner", "reader"):
        for pattern in table["agents"][name]:
            without = [each for each in table["agents"][name] if each != pattern]
            assert verdicts(table["agents"] | {name: without}) != shipped, f"{name}: {pattern} is recognised by none"
