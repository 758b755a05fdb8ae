"""The page's files over HTTP: small, compressed, cached by browsers, under a strict policy."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from service.auth.tokens import create_token
from tests.builders import make_customer, make_message, make_template_version

COMPRESSED_LIMIT = 100_000
"""Bytes of the first view at most, compressed."""


def linked(shell: str) -> list[str]:
    """Returns every address that the page's HTML links to."""
    return re.findall(r'(?:href|src)="([^"]+)"', shell)


VIEWS = [
    "/", "/messages", "/messages/Message_1", "/customers", "/customers/NL-1/emails", "/customers/NL-1/lists",
    "/addresses/bad", "/campaigns", "/campaigns/new", "/campaigns/Campaign_1/edit", "/campaigns/Campaign_1",
    "/campaigns/Campaign_1/recipients", "/lists", "/lists/CustomerList_1", "/templates", "/templates/Template_1",
    "/statistics", "/gateway", "/settings/you",
]  # fmt: skip


async def fetched(client: httpx.AsyncClient, address: str) -> tuple[int, str]:
    """Returns the bytes of a file as they came, compressed, and its text."""
    async with client.stream("GET", address) as answer:
        assert answer.status_code == 200, address
        weight = sum([len(part) async for part in answer.aiter_raw()])
    return weight, (await client.get(address)).text


def words_of(files: Mapping[str, str], static: str) -> set[str]:
    """Returns the parts of a language that come with these files: what every view has, and what their imports state."""
    parts = set(re.findall(r'"(\w+)"', re.findall(r"needed = new Set\((.+)\)", files[f"{static}language.js"])[0]))
    for name, text in files.items():
        for module, stated in re.findall(r'withWords\(import\("([^"]+)"\)([^)]*)\)', text):
            if posixpath.normpath(posixpath.join(posixpath.dirname(name), module)) in files:
                parts.update(re.findall(r'"(\w+)"', stated))
    return parts


async def test_the_first_view_is_small_and_complete(anonymous: httpx.AsyncClient) -> None:
    # Given the page, signed in or not; files are those of a release, the same in every view
    known: dict[str, tuple[int, str]] = {}
    for address in VIEWS:
        weight, shell = await fetched(anonymous, address)
        # When everything that it links to is fetched, compressed
        names = set(linked(shell))
        for name in names - known.keys():
            known[name] = await fetched(anonymous, name)
        # And the words that these files show, in the language whose words are the longest
        static = next(name for name in names if name.endswith("/page.js")).removesuffix("page.js")
        parts = words_of({name: known[name][1] for name in names}, static)
        words = {f"{static}languages/de.js?part={part}" for part in parts}
        for name in words - known.keys():
            known[name] = await fetched(anonymous, name)
        # Then it is small enough, and every module is preloaded
        assert weight + sum(known[name][0] for name in names | words) < COMPRESSED_LIMIT, address
        assert len([name for name in names if name.endswith(".js")]) > 20, address
        assert len(words) > 3, address


async def test_each_view_is_preloaded_with_what_it_opens_and_no_other(anonymous: httpx.AsyncClient) -> None:
    opened = {
        "/messages": "messages/message-list", "/messages/Message_1": "messages/message-page",
        "/customers/": "customers/customer-list", "/customers/NL-1": "customers/customer-emails",
        "/customers/NL-1/emails": "customers/customer-emails", "/customers/NL-1/choices/": "customers/customer-part",
        "/campaigns": "campaigns/campaign-list", "/campaigns/new": "campaigns/edit",
        "/campaigns/Campaign_1/edit": "campaigns/edit", "/campaigns/Campaign_1/history": "campaigns/one-campaign",
    }  # fmt: skip
    for address, module in opened.items():
        shell = (await anonymous.get(address)).text
        assert {name for name in opened.values() if f"/{name}.js" in shell} == {module}, address
        assert "message/popover" not in shell, address


async def test_the_words_of_a_language_are_served_whole_and_in_parts(anonymous: httpx.AsyncClient) -> None:
    whole = (await anonymous.get("/static/languages/en.js")).text
    part = await anonymous.get("/static/languages/en.js?part=worklist")
    assert part.headers["content-type"] == "text/javascript; charset=utf-8"
    assert part.text.count("worklist: {") == 1
    assert len(part.text) < len(whole) / 5
    for unknown in ("languages/en.js?part=", "languages/en.js?part=nothing", "page.js?part=worklist"):
        assert (await anonymous.get(f"/static/{unknown}")).status_code == 404, unknown
    assert (await anonymous.get("/static/page.js?other=1")).status_code == 200


async def test_the_view_is_that_of_the_path_whatever_the_host_header_says(anonymous: httpx.AsyncClient) -> None:
    for host in ("a.example/b", "["):
        for path in ("/", "/messages", "/messages/%0a", "/messages/..%2f..%2fetc", "/customers/%3Fx/emails"):
            shown = await anonymous.get(path, headers={"Host": host})
            assert shown.status_code == 200, (host, path)
            assert ("/messages/view.js" in shown.text) == path.startswith("/messages")


async def test_files_of_a_release_are_immutable_and_others_revalidated(anonymous: httpx.AsyncClient) -> None:
    shell = await anonymous.get("/customers/Customer_1/emails")
    script = next(name for name in linked(shell.text) if name.endswith("/page.js"))
    released = await anonymous.get(script)
    assert released.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert released.headers["content-encoding"] == "gzip"
    plain = await anonymous.get("/static/page.js", headers={"Accept-Encoding": "identity"})
    assert (plain.headers["cache-control"], plain.text) == ("no-cache", released.text)
    assert "content-encoding" not in plain.headers
    # One ETag for both encodings, so it has to be weak.
    assert plain.headers["etag"] == (await anonymous.get("/static/page.js")).headers["etag"]
    assert plain.headers["etag"].startswith('W/"')


@pytest.mark.parametrize("address", ["/", "/static/page.css"])
async def test_a_current_copy_is_not_sent_again(anonymous: httpx.AsyncClient, address: str) -> None:
    first = await anonymous.get(address)
    tag = first.headers["etag"]
    for known in (f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await anonymous.get(address, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    changed = await anonymous.get(address, headers={"If-None-Match": '"other"'})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    "name",
    ["", "nothing.js", "index.html", "login.html", "../page_files.py", "%2e%2e/settings.py", "vendor/lit-html/LICENSE"],
)
async def test_nothing_else_is_served(anonymous: httpx.AsyncClient, name: str) -> None:
    assert (await anonymous.get(f"/static/{name}")).status_code == 404


async def test_the_page_runs_nothing_inline_and_nothing_from_other_origins(anonymous: httpx.AsyncClient) -> None:
    shell = await anonymous.get("/")
    policy = shell.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=", shell.text)
    assert not [name for name in linked(shell.text) if not name.startswith("/")]


MAIL = """<p style='color: red'>Sample <a href="https://fabrikam.example/" target="_blank" title="t">link</a></p>
<script>x()</script>""".replace("\n", "")


async def test_a_preview_needs_a_session_and_is_sandboxed(
    app: Starlette, anonymous: httpx.AsyncClient, pool: Any
) -> None:
    customer = await make_customer(pool)
    version = await make_template_version(pool, preview_html=MAIL)
    message = await make_message(pool, customer, template_version_id=version)
    received = await make_message(pool, customer, direction="RECEIVED")
    address = f"/previews/Message_{customer}_{message.hex}"
    assert (await anonymous.get(address)).status_code == 401
    headers = {"Authorization": f"Bearer {await create_token(pool, 'reader')}"}
    shown = await anonymous.get(address, headers=headers)
    assert shown.status_code == 200
    assert """<p style="color: red">Sample <a title="t">link</a></p><script>x()</script>""" in shown.text
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "sandbox allow-same-origin;" in policy
    assert "frame-ancestors 'self'" in policy
    assert shown.headers["cache-control"] == "no-store"
    for unknown in (f"Message_{customer}_{received.hex}", f"Message_{customer + 1}_{message.hex}", "Message_x", "x"):
        assert (await anonymous.get(f"/previews/{unknown}", headers=headers)).status_code == 404


async def test_the_frame_of_a_draft_is_empty_for_anybody_and_has_the_policy_of_a_preview(
    anonymous: httpx.AsyncClient,
) -> None:
    shown = await anonymous.get("/previews/draft")
    assert (shown.status_code, "<body></body>" in shown.text) == (200, True)
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "sandbox allow-same-origin;" in policy
    assert "frame-ancestors 'self'" in policy


async def test_the_editor_of_templates_is_loaded_with_no_other_view(anonymous: httpx.AsyncClient) -> None:
    for address in ("/customers", "/templates", "/templates/Template_1"):
        shell = (await anonymous.get(address)).text
        assert "codemirror" not in shell, address
