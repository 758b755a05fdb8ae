"""Links as they come back from proxies, mail clients and people: to the signed destination, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote, unquote_to_bytes
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.mail import link_readings
from gateway.mail.keys import Keyring
from gateway.mail.link_readings import clicks, tokens
from gateway.mail.message import MessageRef
from gateway.mail.tracking import LinkForm, click_url, open_url, read_click, read_open, trackable
from gateway.settings import SecretKey

KEYRING = Keyring([SecretKey(id="k1", secret=b"s" * 32)])
PUBLIC = "https://mail.example.com"
SHOP = "https://shop.example/prices?id=7&lang=de#top"

refs = st.builds(MessageRef, customer_id=st.integers(1, 2**63 - 1), message_id=st.uuids())
paths = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
destinations = st.sampled_from(
    [
        SHOP,
        "https://shop.example/a?b=c&d=e%2Ff%20g&next=https%3A%2F%2Fother.example%2F",
        "https://bücher.example/straße?q=ü#ß",
        "https://日本.example/価格。",
        'http://shop.example/it\'s_"quoted"_(really)',
        "https://shop.example/" + "long/" * 300,
        "https://shop.example/100%",
    ]
) | st.builds(
    "https://{}/{}?{}#{}".format, st.sampled_from(["shop.example", "bücher.example:8080"]), paths, paths, paths
)
JUNK = (
    ")", ".", ",", ">", "=", "%20", '"', "'", "%E2%80%99", "”", "»", "。", "、", "」", "）", "_", "__", "-", "*", "~",
    "]", "}", "</a>", "&quot;", ";", "|https://other.example/", "%0A%0ABest%20regards", " and more", "\\", "%3E%2E",
    "%", "%2",
)  # fmt: skip
junk = st.sampled_from(JUNK) | st.builds("".join, st.lists(st.sampled_from(JUNK[:22]), min_size=1, max_size=3)).filter(
    # more than four `-` and `_` are no longer somebody's slip
    lambda made: len(re.findall("[_-]", made)) <= 4
)
CHANGES: dict[str, Callable[[str], str]] = {
    "as it was": str,
    "decoded": unquote,
    "encoded": quote,
    "encoded with its slashes": lambda path: quote(path, safe=""),
    "encoded twice": lambda path: quote(quote(path), safe=""),
    "every sign encoded": lambda path: "".join(f"%{byte:02x}" for byte in path.encode()),
}


def clicked(path: str, query: str = "") -> str | None:
    """Where the service would lead; `path` is what follows `/c/`."""
    for token, destination in clicks(path.encode(), query.encode()):
        if read_click(KEYRING, token, destination):
            return destination.decode()
    return None


def opened(path: str) -> MessageRef | None:
    return next((ref for token in tokens(path.encode()) if (ref := read_open(KEYRING, token))), None)


def click_path(ref: MessageRef, destination: str, form: LinkForm = LinkForm.PLAIN) -> str:
    return click_url(KEYRING, PUBLIC, ref, 1, destination, form=form).removeprefix(f"{PUBLIC}/c/")


@given(refs, destinations, st.just("") | junk, st.sampled_from(sorted(CHANGES)))
@example(MessageRef(customer_id=42, message_id=UUID(int=7)), "https://shop.example/", "", "as it was")
def test_a_link_with_anything_behind_it_leads_to_its_destination(
    ref: MessageRef, destination: str, behind: str, change: str
) -> None:
    assume(trackable(destination))
    assert clicked(CHANGES[change](click_path(ref, destination) + behind)) == destination


@given(refs, st.just("") | junk, st.sampled_from(sorted(CHANGES)), st.sampled_from(LinkForm))
def test_a_token_with_anything_behind_it_names_its_message(
    ref: MessageRef, behind: str, change: str, form: LinkForm
) -> None:
    path = open_url(KEYRING, PUBLIC, ref, form=form).removeprefix(f"{PUBLIC}/o/")
    assert opened(CHANGES[change](path + behind)) == ref


@given(refs, destinations, st.sampled_from(["=\r\n", "\r\n ", " ", "%20", "%0D%0A"]), st.data())
def test_a_link_that_a_client_folded_leads_to_its_destination(
    ref: MessageRef, destination: str, fold: str, data: st.DataObject
) -> None:
    assume(trackable(destination))
    path = click_path(ref, destination)
    start = path.index("/") + 2
    places = data.draw(st.sets(st.integers(start, len(path) - 1), min_size=1, max_size=3))
    for place in sorted(places, reverse=True):
        path = path[:place] + fold + path[place:]
    assert clicked(path) == destination


@given(refs, destinations)
def test_a_link_whose_last_minus_or_underscore_a_link_finder_left_out_still_leads_there(
    ref: MessageRef, destination: str
) -> None:
    assume(trackable(destination))
    path = click_path(ref, destination)
    cut = path.rstrip("-_")
    assume(len(path) - len(cut) <= 2)
    assert clicked(cut) == destination
    token = open_url(KEYRING, PUBLIC, ref).removeprefix(f"{PUBLIC}/o/")
    assume(len(token) - len(token.rstrip("-_")) <= 2)
    assert opened(token.rstrip("-_")) == ref


@pytest.mark.parametrize("last", ["-", "_", "--", "-_", "_-", "__"])
def test_every_such_ending_is_found_again(last: str) -> None:
    # Given a message whose token ends so
    tokens_of = (open_url(KEYRING, PUBLIC, MessageRef(customer_id=300, message_id=UUID(int=n))) for n in range(50_000))
    url = next(url for url in tokens_of if url.endswith(last))
    path = url.removeprefix(f"{PUBLIC}/o/")
    assert opened(path) is not None
    assert opened(path[: -len(last)]) == opened(path)


# The form of the first releases


def nginx_with_a_slash(path: str) -> str:
    """What `proxy_pass http://host/;` makes of a path: decoded, slashes merged, what must be is encoded again."""
    merged = re.sub(rb"/+", b"/", unquote_to_bytes(path))
    return quote(merged, safe="!\"$&'()*+,-./:;<=>@[\\]^_`{|}~")


OLD_JUNK = ("", ")", ".", ",", ">", "%20", "%22", "”", "。", ").", "',")
OLD: dict[str, Callable[[str], tuple[str, str]]] = {
    "as it was": lambda path: (path, ""),
    "encoded twice": lambda path: (quote(path, safe=""), ""),
    "nginx with a slash": lambda path: (nginx_with_a_slash(path), ""),
    "Apache without nocanon": lambda path: (path.replace("%", "%25"), ""),
    "decoded by a client": lambda path: (unquote(path).partition("?")[0], unquote(path).partition("?")[2]),
}


@given(refs, destinations, st.sampled_from(OLD_JUNK), st.sampled_from(sorted(OLD)))
def test_an_old_link_leads_to_its_destination_through_proxies_that_decode_and_encode(
    ref: MessageRef, destination: str, behind: str, change: str
) -> None:
    assume(trackable(destination))
    if change == "nginx with a slash":
        # It resolves dot segments and merges slashes: beyond `https://` nobody knows how many there were.
        assume("//" not in destination.replace("://", ""))
        assume("://" not in destination[8:] and not re.search(r"/\.{1,2}(/|$)", destination))
    if change == "decoded by a client":
        # A browser keeps what follows `#` to itself, and decodes what was encoded in the destination, too.
        assume("#" not in destination and "%" not in destination and "%" not in behind)
    path, query = OLD[change](click_path(ref, destination, LinkForm.ESCAPED) + behind)
    assert clicked(path, query) == destination


# Safety


@given(st.sampled_from(LinkForm), st.data())
def test_no_change_of_a_path_leads_anywhere_but_to_the_signed_destination(form: LinkForm, data: st.DataObject) -> None:
    ref = MessageRef(customer_id=42, message_id=UUID(int=7))
    path = click_path(ref, SHOP, form)
    token, written = path.split("/")
    evil = click_path(ref, "https://evil.example/", form).split("/")[1]
    place = data.draw(st.integers(0, len(path)))
    put = data.draw(st.text(max_size=20) | st.sampled_from([evil, "/" + evil, "@evil.example", "%2Eevil", "//"]))
    put = put.encode("utf-8", "replace").decode()
    other_form = f"{token[:2]}{'.' if form is LinkForm.PLAIN else '-'}{token[3:]}"
    for changed in (
        path[:place] + put + path[place:],
        path[:place] + put,
        put + path[place:],
        f"{token}/{put}{written}",
        f"{other_form}/{evil}",
        f"{other_form}/{written}",
    ):
        assert {clicked(changed), clicked(changed, put)} <= {None, SHOP}


@given(st.binary(max_size=300), st.binary(max_size=50), st.sampled_from([b"k1-", b"k1."]))
def test_a_foreign_path_costs_a_bounded_number_of_tries(rest: bytes, query: bytes, start: bytes) -> None:
    made = list(clicks(start + b"A" * 40 + b"/" + rest, query))
    assert len(made) <= link_readings._MAX_READINGS
    assert len(list(tokens(start + b"A" * 40 + rest))) <= 30


def test_what_is_longer_than_proxies_take_is_read_as_it_is_and_no_further() -> None:
    token = f"k1.{'A' * 30}"
    filled = "x" * (8192 - len(token) - 1)
    assert list(tokens(f"{token} {filled}".encode())) != []
    assert list(tokens(f"{token} {filled}x".encode())) == []
    # A click that must be decoded first: within the limit it is, beyond it is not
    encoded = quote(f"{token}/https://x.example/", safe="").encode()
    within = encoded + b"x" * (8192 - len(encoded))
    assert list(clicks(within)) != []
    assert list(clicks(within + b"x")) == []
