"""One voice over HTTP, and what its maker says of it before and after it is installed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from conftest import Script
from support.both_servers import Open
from support.hub import faulty_hub
from support.hub_client import NEWEST, tiny_files
from support.hub_faults import PAGE, Fault
from support.hub_voices import AMY, CARD, CARD_TEXT, JOE, amys_files
from support.voices import SINGLE
from wyoming_piper_hardened.voices.installation.sources import custom_source

TEXT = CARD_TEXT.decode().strip("\n")
BODY = {"license": "CC0", "text": TEXT}


def cards_asked(paths: list[str]) -> int:
    return sum(path.endswith("MODEL_CARD") for path in paths)


async def test_voice_is_shown_with_its_card(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(amys_files(card=CARD_TEXT)) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        status, body = await site.get(f"/api/voices/{JOE}")
        assert (status, body["voice"]["default"], body["voice"]["state"]) == (200, True, "embedded")
        assert body["model_card"]["license"] == "CC0"
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        status, body = await site.get(f"/api/voices/{AMY}")
        assert (status, body["voice"]["state"], body["model_card"]) == (200, "available", None)
        assert cards_asked([one.path for one in hub.seen]) == 0
        asked = (site.get(f"/api/voices/{AMY}/model-card") for _ in range(5))
        assert await asyncio.gather(*asked) == [(200, BODY)] * 5
        assert await site.get(f"/api/voices/{AMY}/model-card") == (200, BODY)
        assert cards_asked([one.path for one in hub.seen]) == 1
        assert (await site.post(f"/api/voices/{AMY}/install?wait=true"))[0] == 200
        hub.files.clear()
        status, body = await site.get(f"/api/voices/{AMY}")
        assert (status, body["voice"]["state"], body["model_card"]) == (200, "installed", BODY)
        assert await site.get(f"/api/voices/{AMY}/model-card") == (200, BODY)
        for path in ("xx_XX-no-low", "xx_XX-no-low/model-card"):
            status, body = await site.get(f"/api/voices/{path}")
            assert (status, body["error"]["code"]) == (404, "voice-not-found")
        assert (await site.get("/api/voices/..%2Fetc/model-card"))[0] == 400


async def test_card_that_cannot_be_had_is_said_to_be_unknown(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    async with faulty_hub(tiny_files("newest")) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        status, body = await site.get(f"/api/voices/{NEWEST}/model-card")
        assert (status, body["error"]["code"]) == (404, "model-card-unknown")
        await site.server.jobs.add(await asyncio.to_thread(custom_source, SINGLE))
        status, body = await site.get(f"/api/voices/{SINGLE.stem}")
        assert (status, body["model_card"]) == (200, None)
        status, body = await site.get(f"/api/voices/{SINGLE.stem}/model-card")
        assert (status, body["error"]["code"]) == (404, "model-card-unknown")
    async with faulty_hub(amys_files(card=b"x" * 10_000_000)) as hub:
        site = await open_site(script(), data_dir=tmp_path / "large", hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        before = hub.sent
        status, body = await site.get(f"/api/voices/{AMY}/model-card")
        assert (status, body["error"]["code"], hub.sent) == (404, "model-card-unknown", before)


async def test_failures_of_the_repository_have_their_codes(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    path = f"/api/voices/{AMY}/model-card"
    async with faulty_hub(amys_files(card=CARD_TEXT)) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        hub.fault(Fault.NOT_FOUND, times=1)
        hub.fault(Fault.FILE_SCHEME, times=1)
        for code in ("not-on-hub", "redirect-refused"):
            status, body = await site.get(path)
            assert (status, body["error"]["code"]) == (502, code)
        for instead, code in ((PAGE, "captive-portal"), (CARD_TEXT * 9, "download-corrupt")):
            hub.files[CARD] = instead
            status, body = await site.get(path)
            assert (status, body["error"]["code"]) == (502, code)
        hub.files[CARD] = CARD_TEXT
        assert (await site.get(path))[0] == 200
    offline = await open_site(script(), data_dir=tmp_path, offline=True)
    status, body = await offline.get(path)
    assert (status, body["error"]["code"]) == (409, "offline")


async def test_card_with_markup_and_control_characters_is_plain_text(
    open_site: Open, script: Script, tmp_path: Path
) -> None:
    evil = b"<script>alert(1)</script>\x1b[2J\nLicense: <b>CC0</b>\x00\n"
    async with faulty_hub(amys_files(card=evil)) as hub:
        site = await open_site(script(), data_dir=tmp_path, hub_endpoint=hub.endpoint)
        assert (await site.post("/api/catalogue/refresh"))[0] == 200
        status, body = await site.get(f"/api/voices/{AMY}/model-card")
        text = "<script>alert(1)</script>[2J\nLicense: <b>CC0</b>"
        assert (status, body) == (200, {"license": "<b>CC0</b>", "text": text})
