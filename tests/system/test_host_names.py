"""Names that this machine goes by."""

from __future__ import annotations

from pathlib import Path

import pytest

from wyoming_piper_hardened.system.host_names import own_host_names

HOSTS = """
127.0.0.1 localhost
127.0.1.1 NAS.lan nas voices # its own
0.0.0.0   ads.evil.example tracker.evil.example
::1       localhost ip6-loopback
not an address
"""


@pytest.mark.parametrize(
    ("host_name", "names"),
    [
        ("nas", {"nas", "nas.local", "nas.lan", "voices"}),
        ("NAS.lan.", {"nas", "nas.lan", "nas.local", "voices"}),
        ("other.lan", {"other", "other.lan", "other.local"}),
    ],
)
def test_own_names_come_from_this_machine(tmp_path: Path, host_name: str, names: set[str]) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(HOSTS, encoding="utf-8")
    assert own_host_names(host_name, hosts) == names


def test_own_names_without_a_hosts_file(tmp_path: Path) -> None:
    assert own_host_names("nas", tmp_path / "none") == {"nas", "nas.local"}
    assert own_host_names("nas", tmp_path) == {"nas", "nas.local"}
