"""Output of a child process of any length, which costs the server nothing."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from pathlib import Path

from onnx import TensorProto, helper

from attacks.conftest import StartAttacked, WatchServer
from support.web_server import WebServer

LENGTH = 150_000_000


def upload(server: WebServer, name: str, model: Path, config: bytes) -> tuple[int, str]:
    """Upload a voice; return the status and the error's message."""
    boundary = secrets.token_hex(8)

    def head(field: str, filename: str) -> bytes:
        disposition = f'form-data; name="{field}"; filename="{filename}"'
        return f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()

    begin = head("model", f"{name}.onnx")
    end = (
        b"\r\n" + head("config", f"{name}.onnx.json") + config + f"\r\n--{boundary}--\r\n".encode()
    )

    def body() -> Iterator[bytes]:
        yield begin
        with model.open("rb") as file:
            while block := file.read(1 << 20):
                yield block
        yield end

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(begin) + model.stat().st_size + len(end)),
        "X-Requested-With": "fetch",
    }
    connection.request("POST", "/api/voices", body(), headers)
    answer = connection.getresponse()
    error = json.loads(answer.read())["error"]
    connection.close()
    return answer.status, error["message"]


def test_name_of_150_megabytes_in_a_model_stays_in_the_child(
    start_attacked: StartAttacked, watch: WatchServer, model: Path, tmp_path: Path
) -> None:
    server = start_attacked()
    node = helper.make_node("A" * LENGTH, ["input"], ["output"])
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("input", "output")
    ]
    hostile = tmp_path / "hostile.onnx"
    hostile.write_bytes(
        helper.make_model(
            helper.make_graph([node], "graph", tensors[:1], tensors[1:])
        ).SerializeToString()
    )
    config = model.with_name(model.name + ".json").read_bytes()
    with watch(server):
        status, message = upload(server, "hostile", hostile, config)
        assert status == 422
        assert len(message) < 1000
