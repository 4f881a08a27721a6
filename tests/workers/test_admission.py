"""Slots of requests that are carried out, left to others, taken again and released."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings, strategies as st

from wyoming_piper_hardened.workers.dispatch.admission import AdmissionSlots, Slot

ACTS = st.tuples(
    st.sampled_from(["leave", "take", "share", "unshare", "release"]), st.integers(0, 5)
)


@dataclass
class Sharer:
    follows: bool = False


@settings(deadline=None)
@given(st.integers(0, 4), st.lists(ACTS, max_size=40))
def test_only_so_many_slots_are_left_to_others(most_left: int, acts: list[tuple[str, int]]) -> None:
    slots = AdmissionSlots(most_left)
    listeners = [Sharer() for _ in range(6)]
    made = [Slot(slots, listener) for listener in listeners]
    held, left, shared = set(made), set[Slot](), set[Slot]()
    for act, number in acts:
        slot = made[number]
        if slot not in held:
            continue  # a released slot is not used any more
        if act.endswith("share"):
            listeners[number].follows = act == "share"
            shared = shared | {slot} if act == "share" else shared - {slot}
        else:
            getattr(slot, act)()
            left = left | {slot} if act == "leave" else left - {slot}
        if act == "release":
            held, shared = held - {slot}, shared - {slot}
        assert slots.taken == len(held) - min(len(left | shared), most_left)
        assert slots.requests == len(held) - min(len(left), most_left)
