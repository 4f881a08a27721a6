"""A version whose manifest does not list everything: it is damaged, and repaired."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from attacks.conftest import StartAttacked, WatchServer, wait_until


@pytest.mark.parametrize("missing", ["onnx", "onnx.json", "parts.json", "decoder.onnx"])
def test_version_with_an_incomplete_manifest_is_repaired(
    start_attacked: StartAttacked,
    watch: WatchServer,
    prepared_data: Path,
    tmp_path: Path,
    missing: str,
) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared_data, data, symlinks=True)
    (version,) = data.glob("voices/*/*-*")
    voice = version.parent.name
    manifest = json.loads((version / "manifest.json").read_bytes())
    name = missing if missing in manifest["files"] else f"{voice}.{missing}"
    del manifest["files"][name]
    (version / "manifest.json").write_text(json.dumps(manifest))
    with (version / "decoder.onnx").open("r+b") as file:
        file.seek(1000)
        file.write(bytes([file.read(1)[0] ^ 1]))
    server = start_attacked()
    with watch(server):
        server.post(f"api/voices/{voice}/repair?wait=true")
        wait_until(lambda: not server.get("api/status")["jobs"])
    assert server.post(f"api/voices/{voice}/verify?wait=true")["damage"] == []
