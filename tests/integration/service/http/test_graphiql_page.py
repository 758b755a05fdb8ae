"""The page to try queries: only with the setting, only our own files."""

from __future__ import annotations

import re

import httpx

import gateway.settings
import service.settings


async def test_it_is_off_by_default(anonymous: httpx.AsyncClient) -> None:
    for path in ("/graphiql", "/graphiql/graphiql.js", "/graphiql/vendor/graphiql/graphiql.min.js"):
        assert (await anonymous.get(path)).status_code == 404


async def test_with_the_setting_it_is_served_from_our_own_files(
    settings: gateway.settings.Settings, service_settings: service.settings.Settings
) -> None:
    from service.app import create_app

    made = create_app(service_settings.model_copy(update={"graphiql": True}), settings)
    async with (
        made.router.lifespan_context(made),
        httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://mail.example") as http,
    ):
        page = await http.get("/graphiql")
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(loaded) == 7
        for address in loaded:
            assert address.startswith("/")
            file = await http.get(address)
            assert file.status_code == 200
            if address.startswith("/graphiql/graphiql."):  # ours: the others are published files, and an icon
                assert "://" not in file.text
        # and licences and versions are not among what is served
        assert (await http.get("/graphiql/vendor/react/LICENSE")).status_code == 404
        # Nothing inline, which the policy would block.
        assert not re.search(r"<style|style=|<script>| on\w+=", page.text)
