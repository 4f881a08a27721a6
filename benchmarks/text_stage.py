"""``python -m benchmarks.text_stage``: the cost of preparing a segment for the engine, as JSON.

Runs in this project's own environment. Prints the median and the 99th percentile of all calls, in
seconds for 100 characters.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

from wyoming_piper_hardened.text.profile import Profile
from wyoming_piper_hardened.text.segmenter import Segment
from wyoming_piper_hardened.text.speech import spoken

_SEGMENTS = (
    ("en", "The living room lamp is on, the front door is locked and the garden gate is open now."),
    (
        "en",
        "Somebody has rung the bell at the garden gate a moment ago, and nobody is at home today.",
    ),
    (
        "en",
        "The washing machine in the cellar is done in 15 min, so please be there in time for that.",
    ),
    (
        "en",
        "It will stay dry until the early evening, with a light wind from the west and 21.5 °C.",
    ),
    ("en", "**Solar**: 3.6 kW now, 11 kWh today, 45% in the battery... see https://example.com/a."),
    (
        "de",
        "Die Waschmaschine im Keller ist fertig, und der Trockner wartet schon auf dich im Flur.",
    ),
    ("de", "Im Schlafzimmer sind es nur noch 17,5 °C, darum wird die Heizung jetzt etwas wärmer."),
    ("de", "Am 3. Oktober kostet der Strom z. B. 0,27 €/kWh, das sind ca. 1.250 € im ganzen Jahr."),
    ("fr", "La lumière du salon est encore allumée, et il fait -5 degrés dehors depuis ce matin."),
    (
        "es",
        "La puerta del garaje está abierta desde las 9:30 y el coche todavía no ha salido de casa.",
    ),
    ("pl", "Pralka w piwnicy skończyła pracę, a temperatura na zewnątrz spadła do -12 °C w nocy."),
    (
        "ru",
        "Свет в гостиной выключен, входная дверь закрыта, но в спальне сейчас всего 18 °C ночью.",
    ),
)
_ROUNDS = 200
_CHARACTERS = 100


def main() -> None:
    """Measure, and print the result."""
    costs: list[float] = []
    for language, text in _SEGMENTS:
        segment, profile = Segment(text), Profile(language=language)
        spoken(segment, profile)  # reads and compiles what the language needs
        for _ in range(_ROUNDS):
            begin = time.thread_time()
            spoken(segment, profile)
            costs.append((time.thread_time() - begin) * _CHARACTERS / len(text))
    costs.sort()
    found = {"median": statistics.median(costs), "p99": costs[len(costs) * 99 // 100]}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
