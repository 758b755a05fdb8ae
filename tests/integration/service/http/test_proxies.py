"""Real nginx and Apache before the service, in four usual set-ups: every link of a mail leads where it should."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import service.settings
from gateway.compose.campaign import compose_campaign
from gateway.compose.headers import COMPOSER_VERSION
from gateway.mail.message import MessageRef
from gateway.mail.tracking import MAX_DESTINATION, ascii_url, click_url
from service.link_check import check
from tests.builders import KEYRING, make_campaign, make_customer, make_message
from tests.mails import FACTS, SENDER, body, campaign_template, parsed
from tests.reverse_proxies import APACHE_DEFAULT, NGINX_PLAIN, NGINX_SLASH, SET_UPS, SetUp, before
from tests.serving import serve

ROOT = Path(__file__).parents[4]
ANN = "ann@customer.example"
DESTINATIONS = (
    "https://shop.example/prices?id=7&lang=de#top",
    "https://bücher.example/straße?q=ü",
    "https://shop.example/100%25/a%2Fb?next=https%3A%2F%2Fother.example%2F%3Fx%3D1",
    "http://shop.example/it's/(here)/[1]/a;b=c,d*e+f~g",
    "https://shop.example/" + "long/" * 300,
)
UNMENDABLE = ("https://shop.example//two//slashes", "https://shop.example/a/../b/./c?next=https://other.example/../d")
"""nginx resolves these when it decodes a path."""
PAGE = "".join(f'<a href="{url.replace("&", "&amp;")}">x</a> ' for url in DESTINATIONS + UNMENDABLE) + (
    '{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a>'
)
DEMO = next((ROOT / "service" / "standalone").rglob("spring-service.mjml")).read_text(encoding="utf-8")
DEMO_VALUES = {"system": "cinema", "month": "April", "price": "$120"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A proxy before the service, and a message whose links lead there."""

    set_up: SetUp
    url: str
    ref: MessageRef
    browser: httpx.AsyncClient

    def mail(self, *, demo: bool = False, composer_version: int = COMPOSER_VERSION) -> Any:
        """A campaign's mail, as it is sent: the demo's, or one with awkward links."""
        template = campaign_template(mjml=DEMO) if demo else campaign_template(html=PAGE)
        facts = replace(FACTS, ref=self.ref, public_url=self.url, composer_version=composer_version)
        values = DEMO_VALUES if demo else {}
        return parsed(
            compose_campaign(template=template, sender=SENDER, facts=facts, merge_data=values, keyring=KEYRING).content
        )

    async def follow(self, url: str) -> str | int:
        """Where a link leads; the status when it leads nowhere."""
        answer = await self.browser.get(url)
        return answer.headers["location"] if answer.status_code == 302 else answer.status_code


@pytest.fixture(params=SET_UPS, ids=[one.name for one in SET_UPS])
async def standing(
    request: pytest.FixtureRequest,
    app: Starlette,
    service_settings: service.settings.Settings,
    pool: Any,
    tmp_path: Path,
) -> AsyncIterator[Standing]:
    set_up: SetUp = request.param
    if set_up.lacking:
        pytest.skip(set_up.lacking)
    customer = await make_customer(pool, addresses=[ANN])
    campaign = await make_campaign(pool)
    message = await make_message(pool, customer, campaign_id=campaign, recipient=ANN, status="ACCEPTED")
    ref = MessageRef(customer_id=customer, message_id=message)
    async with (
        serve(app, service_settings) as serving,
        before(set_up, tmp_path, serving.port) as url,
        httpx.AsyncClient() as browser,
    ):
        yield Standing(set_up=set_up, url=url, ref=ref, browser=browser)


def ours(text: str, url: str, kind: str) -> list[str]:
    return [unescape(found) for found in re.findall(rf"{re.escape(url)}/{kind}/[^\s\"<>)]+", text)]


async def test_every_link_of_a_mail_leads_where_it_should(standing: Standing, pool: Any) -> None:
    for demo in (True, False):
        mail = standing.mail(demo=demo)
        html, text = body(mail, "html"), body(mail, "plain")
        links = [ours(part, standing.url, "c") for part in (html, text)]
        in_html, in_text = [[await standing.follow(url) for url in part] for part in links]
        if demo:
            assert len(in_html) == 3
            assert in_text == in_html
            assert all(str(to).startswith("https://northlight.example/") for to in in_html)
        else:
            assert in_html == [ascii_url(url) for url in DESTINATIONS + UNMENDABLE]
            assert len(in_text) == len(in_html)
            assert {type(to) for to in in_text} == {str}
        [pixel] = ours(html, standing.url, "o")
        seen = await standing.browser.get(pixel)
        assert (seen.status_code, seen.headers["content-type"], len(seen.content)) == (200, "image/gif", 43)
        [unsubscribe] = set(ours(html, standing.url, "u"))
        assert mail["List-Unsubscribe"] == f"<{unsubscribe}>"
        assert 'value="marketing" checked' in (await standing.browser.get(unsubscribe)).text
    assert await pool.fetchval("select count(*) from address_opt_out") == 0
    # and the mail program's one click is done at once
    done = await standing.browser.post(unsubscribe, data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert await pool.fetchval("select array_agg(source) from address_opt_out") == ["ONE_CLICK"]


async def test_the_longest_link_and_what_people_paste_get_through(standing: Standing) -> None:
    destination = "https://shop.example/?".ljust(MAX_DESTINATION, "&")
    url = click_url(KEYRING, standing.url, standing.ref, 32767, destination)
    assert await standing.follow(url) == destination
    url = click_url(KEYRING, standing.url, standing.ref, 1, DESTINATIONS[0])
    for junk in (")", ".", ",", ">", "=", "%20", "%22", "%E2%80%9D", "%E3%80%82", "_", "%0A%0ABest%20", ")."):
        assert await standing.follow(url + junk) == DESTINATIONS[0], junk
    escaped = re.sub(r"[-_]", lambda sign: f"%{ord(sign[0]):02X}", url)
    assert await standing.follow(escaped) == DESTINATIONS[0]


async def test_links_of_the_first_releases_lead_on_where_the_proxy_lets_them(standing: Standing) -> None:
    mail = standing.mail(composer_version=2)
    led = [await standing.follow(url) for url in ours(body(mail, "html"), standing.url, "c")]
    right: list[str | int] = [ascii_url(url) for url in DESTINATIONS + UNMENDABLE]
    if standing.set_up is APACHE_DEFAULT:
        # It refuses every path with an encoded slash before anything else sees it.
        right = [404] * len(right)
    elif standing.set_up is NGINX_SLASH:
        right[-len(UNMENDABLE) :] = [404] * len(UNMENDABLE)
    assert led == right
    [unsubscribe] = set(ours(body(mail, "html"), standing.url, "u"))
    assert 'value="marketing" checked' in (await standing.browser.get(unsubscribe)).text


async def test_the_check_says_what_each_proxy_does(standing: Standing, pool: Any) -> None:
    new, old = await check(standing.url, KEYRING)
    assert (new.ok, old.ok) == (True, True)
    assert new.text.endswith("and its path arrived unchanged.")
    expected = {
        NGINX_SLASH.name: "arrived changed, which the service mends: /c/k1.",
        NGINX_PLAIN.name: "work, too, and its path arrived unchanged",
        APACHE_DEFAULT.name: "do not work: the proxy refuses percent-escaped slashes with 404",
    }.get(standing.set_up.name, "work, too, and its path arrived unchanged")
    assert expected in old.text
