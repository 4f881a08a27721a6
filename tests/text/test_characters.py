"""One word in other characters is the same word."""

from __future__ import annotations

import pytest

from wyoming_piper_hardened.text.characters import plain
from wyoming_piper_hardened.text.marks import ended
from wyoming_piper_hardened.text.phonemes import are_phonemes
from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u\u0308ber e\u0301te\u0301", "über été"),
        ("tie\u0302\u0301ng Vie\u0323\u0302t", "tiếng Việt"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("\u09dc\u09be \u09a1\u09bc", "\u09dc\u09be \u09a1\u09bc"),
        ("𝗕𝗼𝗹𝗱 ＡＢＣ １２ ﬁle ㎡ ①", "Bold ABC 12 file m² 1"),
        ("m² ½ 10⁻³ № ™ …", "m² ½ 10⁻³ № ™ …"),
        ("राष्\u200dट्रीय", "राष्ट्रीय"),
        ("അവന്\u200d", "അവൻ"),
        ("tem\u200bper\u00adature \u200fa\u200e", "temperature a"),
        ("пʼять", "п'ять"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("It&#39;s &amp; &lt; &nbsp;x &notreal; &#xD800;", "It's & < \u00a0x &notreal;  "),
    ],
)
def test_plain(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Battery at 50", "Battery at 50."),
        ("यह घर है", "यह घर है."),
        ('He said "stop"', 'He said "stop".'),
        ('He said "stop."', 'He said "stop."'),
        ("really?)", "really?)"),
        ("你好。", "你好。"),
        ("[[ɡˈaɪs]]", "[[ɡˈaɪs.]]"),
        ("", ""),
    ],
)
def test_ended(text: str, expected: str) -> None:
    assert ended(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Wait... what", "Wait, what."),
        ("Wait… What", "Wait. What."),
        ("Well (...) yes", "Well, yes."),
        ("Stop!Go", "Stop! Go."),
        ("He said (stop)", "He said, stop."),
        ("你好，世界！", "你好, 世界!"),
        ("✓ done ★ ♪ \ue000 yes", "done yes."),
        ("A → B", "A, B."),
        ("function(s)", "function(s)."),
    ],
)
def test_marks(text: str, said: str) -> None:
    assert spoken(Segment(text), Profile(language="en")) == said


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [("ɡˈaɪs", "ɡˈaɪs", True), ("list", "list", False), ("ɡˈaɪs", "abc", False), ("", "", False)],
)
def test_phonemes(text: str, known: str, *, expected: bool) -> None:
    assert are_phonemes(text, frozenset(known)) is expected


def test_another_phonemizer_has_rules_of_its_own() -> None:
    profile = Profile(language="zh", phoneme_type="pinyin")
    assert spoken(Segment("现在21.5°C，湿度45%。"), profile) == "现在21.5°C，湿度45%。"
