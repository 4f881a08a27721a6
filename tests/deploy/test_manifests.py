"""Kubernetes' manifests fit the current version's schemas, and each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from wyoming_piper_hardened.config.sources import load_settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
LABELS = {"app.kubernetes.io/name": "wyoming-piper-hardened"}


def read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


def resources() -> list[str]:
    names: list[str] = read("kustomization.yaml")["resources"]
    return names


@pytest.mark.parametrize("name", resources())
def test_manifest_fits_the_schema(name: str) -> None:
    version = kubernetes_validate.latest_version()
    kubernetes_validate.validate(read(name), version, strict=True)


def test_every_file_is_used_or_said_to_be_optional() -> None:
    files = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml", "monitor.yaml"}
    assert files == set(resources())


def test_selectors_find_the_pods() -> None:
    pod = read("deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    assert pod == LABELS
    assert read("deployment.yaml")["spec"]["selector"]["matchLabels"] == LABELS
    assert read("service.yaml")["spec"]["selector"] == LABELS
    assert read("service.yaml")["metadata"]["labels"] == LABELS  # the monitor's
    assert read("disruption.yaml")["spec"]["selector"]["matchLabels"] == LABELS
    assert read("monitor.yaml")["spec"]["selector"]["matchLabels"] == LABELS


def test_settings_are_allowed_and_leave_time_to_drain() -> None:
    pod = read("deployment.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    settings = load_settings(environment={one["name"]: one["value"] for one in container["env"]})
    needed = settings.drain_accept + settings.drain_timeout + 3
    assert needed <= pod["terminationGracePeriodSeconds"]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert settings.uri.endswith(f":{ports['wyoming']}")
    assert settings.web_uri is not None
    assert settings.web_uri.endswith(f":{ports['http']}")
