"""Plain pages: what is said on them is text, their policy allows one style, and programs get a sentence instead."""

from __future__ import annotations

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request

from service.http.plain_page import POLICY, plain_page, show_not_found


def asking(accept: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/nothing", "headers": [(b"accept", accept.encode())]})


def test_the_firms_name_and_the_title_are_text_not_markup() -> None:
    page = plain_page("A < B", "<p>Body</p>", language="de", firm="<b>Fabrikam & Co</b>")
    assert '<html lang="de">' in page
    assert '<p class="firm">&lt;b&gt;Fabrikam &amp; Co&lt;/b&gt;</p><h1>A &lt; B</h1><p>Body</p>' in page
    assert 'class="firm"' not in plain_page("A", "")


def test_both_themes_stand_in_the_one_style_that_the_policy_allows() -> None:
    page = plain_page("A", "")
    assert page.count("<style>") == 1
    assert "prefers-color-scheme:dark" in page
    allowed = r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; form-action 'self'"
    assert re.fullmatch(f"{allowed}; base-uri 'none'; frame-ancestors 'none'", POLICY)


async def test_an_unknown_path_is_a_page_for_browsers_and_a_sentence_for_programs() -> None:
    browser = await show_not_found(asking("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"), HTTPException(404))
    assert (browser.status_code, browser.headers["content-security-policy"]) == (404, POLICY)
    assert b'<a href="/">Go to the worklist</a>' in browser.body
    program = await show_not_found(asking("*/*"), HTTPException(404))
    assert (program.status_code, program.body) == (404, b"There is nothing at this path.")
    assert browser.headers["vary"] == program.headers["vary"] == "Accept"
