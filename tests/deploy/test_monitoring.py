"""The dashboard and the alert rules, loaded by a real Prometheus that watches a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from support.ports import free_port
from support.web_server import serving
from wyoming_piper_hardened.metrics import PREFIX

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text("utf-8"))
CASES = Path(__file__).parent / "alert_cases.yaml"
EXPRESSIONS: list[str] = [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
ALERTS: list[str] = [
    rule["expr"]
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
NAME = re.compile(rf"\b(?:{PREFIX}|process)_\w+")
LABEL = re.compile(r"[{,(]\s*(\w+)(?:=~|!~|!=|=)|by \(([^)]*)\)")
OWN_LABELS = {"le", "job", "instance"}
"""Of histograms, and of whatever Prometheus scrapes."""

needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool")
needs_prometheus = pytest.mark.skipif(not shutil.which("prometheus"), reason="needs prometheus")


@needs_promtool
def test_rules_are_right_and_alert_when_they_should(tmp_path: Path) -> None:
    subprocess.run(["promtool", "check", "rules", RULES], check=True)
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES.read_text("utf-8").replace("RULES", str(RULES)), "utf-8")
    subprocess.run(["promtool", "test", "rules", cases], check=True)


def test_every_panel_has_a_title_and_room_of_its_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


@pytest.mark.slow
@needs_prometheus
async def test_every_query_works_on_what_a_server_tells(own_data: Path, tmp_path: Path) -> None:
    async with serving(own_data) as server, aiohttp.ClientSession() as client:
        async with client.post(f"{server.url}api/say", json={"text": "Hello."}) as answer:
            assert (await answer.read())[:4] == b"RIFF"
        async with client.get(f"{server.url}metrics") as answer:
            exposition = await answer.text()
        command = ["promtool", "check", "metrics"]
        await asyncio.to_thread(subprocess.run, command, input=exposition.encode(), check=True)
        async with prometheus(tmp_path, server.port) as url:
            await scraped_twice(client, url)
            names = set(await asked(client, f"{url}/api/v1/label/__name__/values"))
            labels = set(await asked(client, f"{url}/api/v1/labels")) | OWN_LABELS
            for expression in EXPRESSIONS + ALERTS:
                assert set(NAME.findall(expression)) <= names, expression
                used = {
                    label.strip()
                    for one, several in LABEL.findall(expression)
                    for label in (one or several).split(",")
                }
                assert used <= labels, expression
                query = filled(expression)
                data = await asked(client, f"{url}/api/v1/query", query=query)
                if " > " not in query and "== 0" not in query:
                    assert data["result"], query


def filled(expression: str) -> str:
    """Return a query of the dashboard as Grafana would send it."""
    text = expression.replace("$__rate_interval", "1m").replace("$job", ".+")
    return text.replace("$instance", ".+")


async def asked(client: aiohttp.ClientSession, url: str, **query: str) -> Any:
    async with client.get(url, params=query) as answer:
        body = await answer.json()
    assert body["status"] == "success", body
    return body["data"]


async def scraped_twice(client: aiohttp.ClientSession, url: str) -> None:
    """Wait until rates can be computed."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                data = await asked(
                    client, f"{url}/api/v1/query", query=f"count_over_time({PREFIX}_ready[5m]) > 2"
                )
                if data["result"]:
                    return
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def prometheus(folder: Path, port: int) -> AsyncIterator[str]:
    """Run a Prometheus that watches the server on `port`, with the alert rules; yield its URL."""
    own = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "piper", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{own}",
        "--log.level=error",
    )
    try:
        yield f"http://127.0.0.1:{own}"
    finally:
        process.terminate()
        await process.wait()
