"""Model cards are read as the repository writes them, and are plain text whatever they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from wyoming_piper_hardened.catalogue.model_card import (
    MAX_CARD_BYTES,
    ModelCard,
    parse_card,
    read_card,
)
from wyoming_piper_hardened.hub.files import CARD_NAME

HEAD = "# Model card for amy (medium)\n\n* Speakers: 1\n* Quality: medium\n\n## Dataset\n\n"


@pytest.mark.parametrize(
    ("lines", "license_"),
    [
        ("* URL: https://example.org\n* License: CC0\n", "CC0"),
        ("* License:  See URL\r\n", "See URL"),
        ("License: https://example.org/license.html", "https://example.org/license.html"),
        ("- **License:** CC BY 4.0", "CC BY 4.0"),
        ("* Licence : Apache 2.0", "Apache 2.0"),
        ("* License: CC0\n\n* License: CC BY 4.0\n* License: CC0", "CC0; CC BY 4.0"),
        ("## License\n\nReleased under CC BY 4.0.\n\n## Training", "Released under CC BY 4.0."),
        ("## License\n\n## Training\n\nFrom scratch.", None),
        ("* License:\n", None),
        ("* URL: https://example.org\n* Licensed to nobody", None),
        ("", None),
    ],
)
def test_license_is_read_as_cards_write_it(lines: str, license_: str | None) -> None:
    assert parse_card((HEAD + lines).encode()).license == license_


def test_long_license_is_shortened() -> None:
    found = parse_card(b"License: " + b"x" * 1000).license
    assert found is not None
    assert (found[:300], found[300:]) == ("x" * 300, "…")


def test_markup_stays_text_and_control_characters_go() -> None:
    card = b"\xef\xbb\xbf<script>alert(1)</script>\x00\x1b[2J\tb\xff\r\n"
    card += b"License: \x07CC0\xe2\x80\xae\x85\n"
    assert parse_card(card) == ModelCard(
        "<script>alert(1)</script>[2J\tb\ufffd\nLicense: CC0\ufffd", "CC0\ufffd"
    )


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_card_of_printable_text(data: bytes) -> None:
    text = parse_card(data).text
    assert text.isascii() or text.encode()
    assert not {char for char in text if ord(char) < 32} - set("\n\t")


def test_card_on_the_disk_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    assert read_card(tmp_path) is None
    card = tmp_path / CARD_NAME
    card.write_bytes(b"x" * MAX_CARD_BYTES)
    assert read_card(tmp_path) == ModelCard("x" * MAX_CARD_BYTES, None)
    card.write_bytes(b"x" * (MAX_CARD_BYTES + 1))
    assert read_card(tmp_path) is None
    card.unlink()
    card.mkdir()
    assert read_card(tmp_path) is None
