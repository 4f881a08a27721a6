"""Recognition of MP3 files by their frames, without decoding them."""

from __future__ import annotations

_BITRATES = {  # in kbit/s, of layer III: of MPEG 1, and of the lower rates of 2 and 2.5
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_LAYER_III = 1
_HEADER = 4
_TAG_HEADER = 10
_TAG_ENDS = (b"TAG", b"APETAGEX", b"LYRICS")
_FRAMES = 3
"""So many in a row are no coincidence."""


def is_mp3(data: bytes) -> bool:
    """Return whether data, after tags, consists of MP3 frames as far as is looked."""
    at, found = _behind_tags(data), 0
    while found < _FRAMES and (size := _frame_size(data[at : at + _HEADER])):
        at, found = at + size, found + 1
    ended = at >= len(data) or data.startswith(_TAG_ENDS, at)
    return found == _FRAMES or (found > 0 and ended)


def _behind_tags(data: bytes) -> int:
    """Return where the first frame begins: behind the ID3 tag, if there is one."""
    header = data[:_TAG_HEADER]
    if not header.startswith(b"ID3") or len(header) < _TAG_HEADER:
        return 0
    size = 0
    for byte in header[6:]:
        size = size << 7 | byte & 0x7F
    return _TAG_HEADER + size


def _frame_size(header: bytes) -> int:
    """Return the bytes of the frame that begins so; 0 if none does."""
    if len(header) < _HEADER or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:  # noqa: PLR2004
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    bitrate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if layer != _LAYER_III or version not in _RATES or bitrate in (0, 15) or rate == 3:  # noqa: PLR2004
        return 0
    newest = version == 3  # noqa: PLR2004
    bits = _BITRATES[newest][bitrate - 1] * 1000
    return (144 if newest else 72) * bits // _RATES[version][rate] + padding
