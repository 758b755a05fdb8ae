"""The addresses inside mails over HTTP: for people, link scanners and forged tokens."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette

import service.settings
from gateway.mail import base64url
from gateway.mail.keys import Keyring
from gateway.mail.message import MessageRef
from gateway.mail.tracking import (
    CHECK,
    MAX_DESTINATION,
    MAX_ESCAPED_DESTINATION,
    LinkForm,
    click_url,
    open_url,
    unsubscribe_url,
)
from gateway.settings import SecretKey
from gateway.tracking.recorder import HitOutcome
from service.http.tracking import MAX_FORM_BYTES
from service.http.unsubscribe_page import missing_page
from tests.builders import KEYRING, make_campaign, make_customer, make_message, make_outbox
from tests.eventually import eventually
from tests.serving import serve

BASE = "http://mail.example"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
SHOP = "https://shop.example/prices?id=7&lang=de#top"
ANN = "ann@customer.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
async def ref(pool: Any, app: Starlette) -> MessageRef:
    """An accepted campaign mail to Ann."""
    customer = await make_customer(pool, addresses=[ANN], locale="de")
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign, recipient=ANN, status="ACCEPTED")
    return MessageRef(customer_id=customer, message_id=message)


async def hits(pool: Any, count: int) -> list[Any]:
    """Returns the hits in the ledger, once there are `count`."""

    async def found() -> list[Any] | None:
        rows = await pool.fetch("select * from hit order by id")
        return rows if len(rows) >= count else None

    rows: list[Any] = await eventually(found, f"{count} hits")
    return rows


async def test_a_pixel_is_a_43_byte_gif_and_an_open(anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef) -> None:
    url = open_url(KEYRING, BASE, ref)
    answer = await anonymous.get(url, headers={"User-Agent": CHROME})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/gif"
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) == 43
    assert answer.content[:6] == b"GIF89a"
    assert "set-cookie" not in answer.headers
    [hit] = await hits(pool, 1)
    assert (hit["customer_id"], hit["message_id"]) == (ref.customer_id, ref.message_id)
    assert (hit["kind"], hit["agent"], hit["url"], hit["rules_version"]) == ("OPEN", CHROME, None, 0)


async def test_a_link_redirects_to_its_signed_destination(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    answer = await anonymous.get(click_url(KEYRING, BASE, ref, 3, SHOP), headers={"User-Agent": CHROME})
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert answer.headers["cache-control"] == "no-store"
    [hit] = await hits(pool, 1)
    assert (hit["kind"], hit["link"], hit["url"], hit["honeypot"]) == ("CLICK", 3, SHOP, False)


LONG = "https://shop.example/" + "a" * (MAX_DESTINATION - 21)
LOCATIONS = {
    "https://bücher.example/straße?q=a b": "https://xn--bcher-kva.example/stra%C3%9Fe?q=a%20b",
    "https://shop.example/100%25?next=https%3A%2F%2Fa": "https://shop.example/100%25?next=https%3A%2F%2Fa",
    "http://user:pw@shop.example:8080/": "http://user:pw@shop.example:8080/",
    LONG: LONG,
}


async def test_every_web_link_is_redirected_to_unchanged(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    for destination, location in LOCATIONS.items():
        answer = await anonymous.get(click_url(KEYRING, BASE, ref, 1, destination))
        assert (answer.status_code, answer.headers["location"]) == (302, location)
    assert {row["url"] for row in await hits(pool, len(LOCATIONS))} == set(LOCATIONS)


async def test_the_longest_link_gets_through_a_real_server(
    app: Starlette, service_settings: service.settings.Settings, ref: MessageRef
) -> None:
    # Given as much as we track, and 8 KiB of the old form, of which every character takes three in the URL
    longest = {
        LinkForm.PLAIN: ("https://shop.example/?" + "&" * (MAX_DESTINATION - 22), 4_000),
        LinkForm.ESCAPED: ("https://shop.example/?" + "&" * (MAX_ESCAPED_DESTINATION - 22), 24_000),
    }
    async with serve(app, service_settings) as serving, httpx.AsyncClient() as browser:
        for form, (destination, length) in longest.items():
            address = click_url(KEYRING, serving.url, ref, 1, destination, form=form)
            assert len(address) > length
            answer = await browser.get(address)
            assert (answer.status_code, answer.headers["location"]) == (302, destination)
            head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
            # nginx takes 4 KiB; 500 bytes are left for what a deployment adds
            assert form is LinkForm.ESCAPED or head < 3_600


async def test_a_parameter_appended_to_a_link_does_not_break_it(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    answer = await anonymous.get(click_url(KEYRING, BASE, ref, 1, SHOP) + "?fbclid=1")
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)


JUNK = (
    ")",
    ".",
    ",",
    ">",
    "=",
    "%20",
    "%22",
    "%E2%80%9D",
    "%E3%80%82",
    "_",
    "%0A%0ABest%20regards",
    "%3C/a%3E",
    ").%20",
)


async def test_what_people_paste_behind_an_address_does_not_break_it(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    for form, junk in product(LinkForm, JUNK):
        answer = await anonymous.get(click_url(KEYRING, BASE, ref, 1, SHOP, form=form) + junk)
        assert (answer.status_code, answer.headers.get("location")) == (302, SHOP), junk
        page = unsubscribe_url(KEYRING, BASE, ref, form=form) + junk
        assert 'value="marketing" checked' in (await anonymous.get(page)).text
        assert (await anonymous.post(page, data=ONE_CLICK)).status_code == 200
        assert await opt_outs(pool) == [("MARKETING", "ONE_CLICK")]
        await pool.execute("truncate address_opt_out")
        if "/" not in junk:
            assert (await anonymous.get(open_url(KEYRING, BASE, ref, form=form) + junk)).status_code == 200


async def test_an_address_works_decoded_and_encoded_again(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    plain, old = (urlsplit(click_url(KEYRING, BASE, ref, 1, SHOP, form=form)).path for form in LinkForm)
    head, token, destination = plain[1:].split("/")
    for path in (
        f"/{head}%2F{token}%2F{destination}",
        f"/{head}/{quote(quote(f'{token}/{destination}', safe=''), safe='')}",
        "/c/" + "".join(f"%{ord(sign):02X}" for sign in f"{token}/{destination}"),
        quote(old),
        unquote(old).replace("?", "%3F").replace("#", "%23"),
        unquote(old).replace("//", "/").replace("?", "%3F").replace("#", "%23"),
    ):
        answer = await anonymous.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (302, SHOP), path


async def test_a_link_of_the_check_command_shows_the_path_that_arrived_and_is_no_click(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    url = click_url(KEYRING, BASE, CHECK, 1, SHOP)
    answer = await anonymous.get(url + "%20")
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    assert answer.headers["link-received"] == urlsplit(url).path + "%20"
    # and a link of a mail shows nothing, and is the only click
    answer = await anonymous.get(click_url(KEYRING, BASE, ref, 1, SHOP))
    assert "link-received" not in answer.headers
    assert [row["message_id"] for row in await hits(pool, 1)] == [ref.message_id]


async def test_head_and_prefetch_are_served_and_marked(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    pixel, link = open_url(KEYRING, BASE, ref), click_url(KEYRING, BASE, ref, 1, SHOP)
    assert (await anonymous.head(pixel)).status_code == 200
    followed = await anonymous.head(link, headers={"Sec-Purpose": "prefetch"})
    assert (followed.status_code, followed.headers["location"], followed.content) == (302, SHOP, b"")
    stored = {row["kind"]: row for row in await hits(pool, 2)}
    assert stored["OPEN"]["head"]
    assert stored["CLICK"]["head"]
    assert stored["CLICK"]["prefetch"]


async def test_malformed_headers_are_stored_safely(anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef) -> None:
    url = open_url(KEYRING, BASE, ref)
    for agent in (b"\xff\xfe\x01 caf\xc3\xa9", b"A" * 20_000, b""):
        assert (await anonymous.get(url, headers={b"User-Agent": agent})).status_code == 200
    agents = sorted(row["agent"] for row in await hits(pool, 3))
    assert agents == ["", "A" * 512, "\ufffd\ufffd\ufffd caf\u00e9"]


def with_token(change_token: Callable[[str], str]) -> Callable[[str], str]:
    """Returns a function that changes the token, the fifth part of an address."""

    def change(url: str) -> str:
        parts = url.split("/")
        parts[4] = change_token(parts[4])
        return "/".join(parts)

    return change


def coded(destination: str) -> str:
    return base64url.encode(destination.encode())


FORGERIES: list[Callable[[str], str]] = [
    with_token(lambda token: token[:-1]),
    with_token(lambda token: token[:20]),
    with_token(lambda token: token[:8] + ("A" if token[8] != "A" else "B") + token[9:]),
    with_token(lambda token: token.replace("k1-", "k2-")),
    with_token(lambda token: "x"),
    with_token(lambda token: "k1-" + "A" * 5000),
    lambda url: url.replace("/o/", "/q/").replace("/c/", "/o/").replace("/u/", "/c/").replace("/q/", "/u/"),
    lambda url: url.replace(coded(SHOP), coded(SHOP.replace("shop", "evil"))),
]


async def test_a_forged_token_gets_the_same_plain_page(
    anonymous: httpx.AsyncClient, app: Starlette, ref: MessageRef
) -> None:
    urls = [open_url(KEYRING, BASE, ref), click_url(KEYRING, BASE, ref, 1, SHOP), unsubscribe_url(KEYRING, BASE, ref)]
    pages = set()
    for url in {forge(url) for forge in FORGERIES for url in urls} - set(urls):
        answer = await anonymous.get(url)
        assert answer.status_code == 404
        assert "location" not in answer.headers
        pages.add(answer.text)
    # the same page whatever was wrong, or the one for an unknown path
    assert pages == {missing_page(), "There is nothing at this path."}
    # and none is a hit: the next one is the first
    await anonymous.get(open_url(KEYRING, BASE, ref))
    counts: Counter[HitOutcome] = app.state.tracking.recorder.counts

    async def counted() -> bool:
        return sum(counts.values()) > 0

    await eventually(counted, "a hit")
    assert counts == {HitOutcome.RECORDED: 1}


async def test_a_token_of_an_unknown_or_removed_key_is_invalid(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    for key in (SecretKey(id="k1", secret=b"stolen" * 6), SecretKey(id="k0", secret=b"removed" * 5)):
        foreign = Keyring([key])
        for url in (open_url(foreign, BASE, ref), click_url(foreign, BASE, ref, 1, SHOP)):
            assert (await anonymous.get(url)).status_code == 404
        assert (await anonymous.post(unsubscribe_url(foreign, BASE, ref), data=ONE_CLICK)).status_code == 404


async def test_only_the_signed_destination_is_redirected_to(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    token = click_url(KEYRING, BASE, ref, 1, SHOP).split("/")[4]
    for target in ("javascript:alert(1)", "//evil.example/", "data:text/html,x", "https://evil.example/", ""):
        for written in (quote(target, safe=""), coded(target)):
            for one in (token, token.replace("-", ".", 1)):
                assert (await anonymous.get(f"/c/{one}/{written}")).status_code == 404


async def test_a_trailing_slash_does_not_redirect_to_the_requested_host(
    anonymous: httpx.AsyncClient, ref: MessageRef
) -> None:
    for url in (open_url(KEYRING, BASE, ref), unsubscribe_url(KEYRING, BASE, ref), f"{BASE}/graphql"):
        answer = await anonymous.get(url + "/", headers={"Host": "evil.example"})
        assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_hits_of_a_missing_message_or_an_erased_customer_are_not_stored(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    # Given a token of a missing message, and one of an erased customer
    gone = MessageRef(customer_id=ref.customer_id, message_id=uuid4())
    erased = await make_customer(pool)
    forgotten = MessageRef(customer_id=erased, message_id=await make_message(pool, erased, status="ACCEPTED"))
    await pool.execute("update customer set erased_at = now() where id = $1", erased)
    # When their links are followed, the reader is redirected
    for one in (gone, forgotten):
        answer = await anonymous.get(click_url(KEYRING, BASE, one, 1, SHOP))
        assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    await anonymous.get(open_url(KEYRING, BASE, ref))
    # Then only the hit of the existing message is stored
    assert [row["customer_id"] for row in await hits(pool, 1)] == [ref.customer_id]


async def test_a_flood_on_one_token_is_served_and_counted_not_stored(
    anonymous: httpx.AsyncClient, pool: Any, app: Starlette, ref: MessageRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.tracking.recorder.MAX_OF_MESSAGE_A_MINUTE", 20)
    url = click_url(KEYRING, BASE, ref, 1, SHOP)
    assert {(await anonymous.get(url)).status_code for _ in range(50)} == {302}
    counts: Counter[HitOutcome] = app.state.tracking.recorder.counts

    async def all_counted() -> bool:
        return sum(counts.values()) == 50

    await eventually(all_counted)
    # A minute may have begun in between: then it has a limit of its own
    assert 20 <= counts[HitOutcome.RECORDED] <= 40
    assert counts[HitOutcome.FLOODED] == 50 - counts[HitOutcome.RECORDED]


async def test_the_outcome_of_hits_is_in_the_metrics(
    client: httpx.AsyncClient, anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    async def recorded() -> float:
        text = (await client.get("/metrics")).text
        found = re.search(r'^mail_hits_total\{outcome="recorded"\} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    assert (await anonymous.get("/metrics")).status_code == 401
    before = await recorded()
    await anonymous.get(open_url(KEYRING, BASE, ref))
    await hits(pool, 1)

    async def counted() -> bool:
        return await recorded() == before + 1

    await eventually(counted, "one hit more")
    assert ANN not in (await client.get("/metrics")).text


async def test_other_methods_are_405(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    assert (await anonymous.post(open_url(KEYRING, BASE, ref))).status_code == 405
    assert (await anonymous.put(unsubscribe_url(KEYRING, BASE, ref))).status_code == 405


# Unsubscribe -----------------------------------------------------------------------------------------------------


async def opt_outs(pool: Any) -> list[tuple[str, str]]:
    rows = await pool.fetch("select kind, source from address_opt_out order by kind")
    return [(row["kind"], row["source"]) for row in rows]


@pytest.mark.parametrize("multipart", [False, True])
async def test_one_click_acts_at_once(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef, multipart: bool
) -> None:
    # Given queued campaign mail to the same address of another customer
    other = await make_customer(pool, addresses=[ANN.upper().replace("CUSTOMER.EXAMPLE", "customer.example")])
    campaign = await make_campaign(pool)
    waiting = await make_message(pool, other, campaign_id=campaign, recipient=ANN)
    await make_outbox(pool, other, waiting, address=ANN, opt_out_kind="MARKETING")
    # When the mail program posts, as RFC 8058 allows, in either form encoding, without cookie or login
    url = unsubscribe_url(KEYRING, BASE, ref)
    body: dict[str, Any] = {"files": {name: (None, value) for name, value in ONE_CLICK.items()}}
    answer = await anonymous.post(url, **(body if multipart else {"data": ONE_CLICK}))
    # Then it is done: no redirect, no cookie
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert await opt_outs(pool) == [("MARKETING", "ONE_CLICK")]
    assert await pool.fetchval("select status from message where id = $1", waiting) == "HELD"
    # and a repeat is harmless
    assert (await anonymous.post(url, data=ONE_CLICK)).status_code == 200
    assert await pool.fetchval("select count(*) from consent_event") == 1


async def test_get_shows_a_choice_and_changes_nothing(anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef) -> None:
    url = unsubscribe_url(KEYRING, BASE, ref)
    assert len(url) < 100
    page = await anonymous.get(url)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    # in the customer's language, with all three choices, without a script
    assert '<html lang="de">' in page.text
    assert "Fabrikam Installers" in page.text
    for choice in ("marketing", "event-based", "all"):
        assert f'<input type="radio" name="choice" value="{choice}"' in page.text
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert (await anonymous.head(url)).status_code == 200
    assert await opt_outs(pool) == []


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("event-based", [("EVENT_BASED", "LINK")]),
        ("all", [("MARKETING", "LINK"), ("EVENT_BASED", "LINK")]),
    ],
)
async def test_the_form_opts_out_of_what_was_chosen(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef, choice: str, expected: list[tuple[str, str]]
) -> None:
    url = unsubscribe_url(KEYRING, BASE, ref)
    answer = await anonymous.post(url, data={"choice": choice})
    assert answer.status_code == 200
    assert "abgemeldet" in answer.text
    assert await opt_outs(pool) == expected
    assert "Sie bekommen nicht mehr" in (await anonymous.get(url)).text


async def test_a_post_that_chooses_nothing_shows_the_page_again(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"", b"choice=", b"choice=everything", b"\xff\x00=%ff", b"a=1&" * 50):
        answer = await anonymous.post(unsubscribe_url(KEYRING, BASE, ref), content=body, headers=form)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.text
    assert await opt_outs(pool) == []


@pytest.mark.parametrize(
    "head",
    [
        "form-data; name*",
        "form-data; name*=x''%",
        "form-data; name*0*=;name*1",
        'form-data; name="',
        "\xff; name=\xff",
        "",
    ],
)
async def test_a_malformed_multipart_form_chooses_nothing(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef, head: str
) -> None:
    body = f"--b\r\nContent-Disposition: {head}\r\n\r\nx\r\n--b--".encode("latin-1")
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await anonymous.post(unsubscribe_url(KEYRING, BASE, ref), content=body, headers=form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert await opt_outs(pool) == []


async def test_a_form_that_is_too_large_is_refused(anonymous: httpx.AsyncClient, ref: MessageRef) -> None:
    answer = await anonymous.post(unsubscribe_url(KEYRING, BASE, ref), content=b"a" * (MAX_FORM_BYTES + 1))
    assert answer.status_code == 413


async def test_an_unsubscribe_from_an_event_based_campaign_is_of_that_kind(
    anonymous: httpx.AsyncClient, pool: Any
) -> None:
    customer = await make_customer(pool, addresses=[ANN])
    campaign = await make_campaign(pool, kind="EVENT_BASED")
    message = await make_message(pool, customer, campaign_id=campaign, recipient=ANN, status="ACCEPTED")
    url = unsubscribe_url(KEYRING, BASE, MessageRef(customer_id=customer, message_id=message))
    assert 'value="event-based" checked' in (await anonymous.get(url)).text
    await anonymous.post(url, data=ONE_CLICK)
    assert await opt_outs(pool) == [("EVENT_BASED", "ONE_CLICK")]


async def test_an_erased_customers_link_works_and_a_missing_messages_is_404(
    anonymous: httpx.AsyncClient, pool: Any, ref: MessageRef
) -> None:
    # Given an erased customer, of whom the key of the address is left
    key = await pool.fetchval("select address_key from customer_address where customer_id = $1", ref.customer_id)
    await pool.execute("update message set recipient = null, recipient_key = $1", key)
    await pool.execute("update customer set erased_at = now() where id = $1", ref.customer_id)
    # Then the address is opted out
    url = unsubscribe_url(KEYRING, BASE, ref)
    assert (await anonymous.get(url)).status_code == 200
    assert (await anonymous.post(url, data=ONE_CLICK)).status_code == 200
    assert await opt_outs(pool) == [("MARKETING", "ONE_CLICK")]
    gone = MessageRef(customer_id=ref.customer_id, message_id=UUID(int=7))
    assert (await anonymous.post(unsubscribe_url(KEYRING, BASE, gone), data=ONE_CLICK)).status_code == 404
