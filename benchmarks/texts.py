"""Texts to speak: announcements, as a home makes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Texts whose results are taken together: by characters, or by how they are sent."""

    TINY = "10-50"
    SHORT = "50-150"
    MEDIUM = "150-300"
    LONG = "300-500"
    SEVERAL = "several sentences"
    STREAMED = "streamed"
    WRITTEN = "10 words a second"


SENTENCE_GROUPS = (Group.TINY, Group.SHORT, Group.MEDIUM, Group.LONG)
"""Plain requests of one sentence, by length: what the targets speak about."""

_WORD_INTERVAL = 0.1
"""As a language model writes its answer."""

_UPPER_BOUNDS = {Group.TINY: 50, Group.SHORT: 150, Group.MEDIUM: 300, Group.LONG: 500}


@dataclass(frozen=True, slots=True)
class Text:
    """One text and how it is sent."""

    name: str
    group: Group
    words: str

    @property
    def streamed(self) -> bool:
        """Return whether it is sent as a stream of words instead of one request."""
        return self.group in {Group.STREAMED, Group.WRITTEN}

    @property
    def word_interval(self) -> float:
        """Seconds between two words of a stream."""
        return _WORD_INTERVAL if self.group is Group.WRITTEN else 0.0


WARM_UP = "Dinner is ready, so please wash your hands and come to the table in the kitchen."
LOAD_WORD = "Hello."

_SENTENCES = (
    "It is six.",
    "It is raining.",
    "The front door is open.",
    "The washing machine is done.",
    "Good morning, it is half past seven.",
    "The living room light has been switched off.",
    "Your parcel was left at the neighbour's house.",
    "Somebody has rung the bell at the garden gate a moment ago.",
    "The oven has reached two hundred degrees, so the pizza can go in now.",
    "It will stay dry until the early evening, with a light wind from the west and some sun.",
    "The bathroom window has been open for forty minutes and the heating in that room is off.",
    (
        "Today you have a meeting with the architect at ten, and in the afternoon a visit to "
        "the dentist in Station Road."
    ),
    (
        "The car is charged to eighty percent, which is enough for one hundred and ninety "
        "miles, and the price of power is low until six."
    ),
    (
        "The robot has cleaned the hall, the kitchen and both of the children's rooms, but it "
        "could not get under the sofa because a toy was in the way."
    ),
    (
        "Tomorrow morning starts cold and foggy in the valley, then the sun comes out around "
        "noon, and by the late afternoon it should be warm enough to sit outside for a while."
    ),
    (
        "There is a delay of about twenty five minutes on the line into the city, so if you "
        "want to catch the connection at the main station it would be wise to leave the house "
        "before a quarter to eight."
    ),
    (
        "The solar panels made eleven kilowatt hours today, of which the house used seven, the "
        "battery took three, and the rest went to the grid, which is a little more than on an "
        "average day in this part of the year."
    ),
    (
        "I have put milk, eggs, two loaves of bread, a bag of potatoes and the coffee that you "
        "like on the shopping list, and since the shop at the corner closes early on Saturdays, "
        "I will remind you again when you leave the office on Friday in the afternoon."
    ),
    (
        "Before you go on your holiday, please remember that the kitchen window on the garden "
        "side is still tilted, that the dishwasher has half an hour to run, and that the "
        "neighbours have asked for the key to the cellar, because the plumber wants to look at "
        "the water meter there on Wednesday."
    ),
    (
        "The forecast for the weekend has changed since this morning, because the storm that "
        "was expected over the coast has turned to the north, which means that Saturday will be "
        "bright and calm with a little cloud in the evening, while on Sunday there may be some "
        "rain after lunch, so the walk in the hills that you have planned should be on the "
        "first of the two days."
    ),
    (
        "When the alarm rang at three in the morning it was only the smoke detector in the "
        "attic, whose battery had run low, and since nobody was in danger I have not called "
        "anyone, but I switched on the light on the stairs, opened the blinds in the bedrooms, "
        "unlocked the front door and kept a record of everything that happened, which you can "
        "read in the log of the house as soon as you have had your breakfast and a strong cup "
        "of coffee."
    ),
    (
        "To get to the birthday party in time you should take the road along the river as far "
        "as the old mill, turn left behind the bridge, follow the signs to the swimming pool "
        "until you see a large red barn on the right, and then drive slowly up the hill, "
        "because the lane is narrow, the bend at the top is sharp, and children often play "
        "there in the afternoon, after which you will find plenty of room to park under the "
        "chestnut trees beside the church."
    ),
    (
        "The repair of the heating has been postponed to the second week of next month, because "
        "the pump that has to be replaced is made in small numbers only and will not arrive "
        "earlier, so until then the bedrooms on the upper floor will not get any warmer than "
        "eighteen degrees, the hot water will be lukewarm between five and seven in the "
        "morning, and the fireplace in the living room, for which there is plenty of dry wood "
        "in the shed, should not be left alone while it is burning, above all at night."
    ),
)

_SEVERAL = (
    "Good evening. The house is locked and the alarm is set. Sleep well.",
    (
        "There are three things to do today. The bins have to be at the street before seven. "
        "The cat needs her medicine at noon. Please call your sister tonight, because it is her "
        "birthday."
    ),
    (
        "Here is the news of the house. The water filter will have to be changed next week. The "
        "temperature in the freezer was too high for ten minutes, but it is fine again. Nobody "
        "was at the door while you were away, and the garden has been watered for a quarter of "
        "an hour."
    ),
)

_STREAMED = (
    (
        "The heating in the guest room has been turned down to sixteen degrees, because nobody "
        "has been in there since yesterday evening."
    ),
    (
        "I have found two recipes for tonight. The first is a vegetable soup, which takes about "
        "half an hour. The second is a pie with leeks and cheese, and you would have to buy "
        "some cream."
    ),
)

CROWD_SENTENCES = (
    (
        "The robot has cleaned the hall, the kitchen and both of the children's rooms, but it "
        "could not get under the sofa, because a toy, two shoes and a heavy box with books were in "
        "the way for the whole of the morning."
    ),
    (
        "There is a delay of about twenty five minutes on the line into the city, so if you want "
        "to catch the connection at the main station it would be wise to leave the house before a "
        "quarter to eight, or to take the car."
    ),
    (
        "The solar panels made eleven kilowatt hours today, of which the house used seven, the "
        "battery took three, and the rest went to the grid, which is a little more than on an "
        "average day in this part of the year."
    ),
    (
        "Somebody has left a parcel at the door, a letter with a blue stamp is in the box, and the "
        "neighbour would like to have the ladder back, if you do not need it for the cherries in "
        "the garden on the weekend any more."
    ),
)
"""Sentences of eleven seconds or so, spoken to a crowd."""


def own_sentence(listener: int) -> str:
    """Return a sentence of eleven seconds or so that no other listener is told."""
    sentence = CROWD_SENTENCES[listener % len(CROWD_SENTENCES)]
    times, rest = divmod(listener, len(CROWD_SENTENCES))
    return f"{sentence[:-1]}, listener {rest + 1} of group {times}." if times else sentence


_WRITTEN = (
    (
        "When the washing machine has finished its work, I will tell you on the speaker in the "
        "kitchen, so that you can hang the laundry on the line in the garden before it begins to "
        "rain in the late afternoon."
    ),
    (
        "The front door has been open since noon, and nobody has been seen in the hall or on the "
        "stairs since then, although the lamp beside the coat rack was switched on by hand "
        "a quarter of an hour ago."
    ),
)
"""First clauses of eight words; the first sentence is the whole text."""

MEMORY_SENTENCES = (
    (
        "The kitchen light and the lamp beside the sofa will be switched off in ten minutes, if "
        "you allow it."
    ),
    (
        "The lights in the living room and in the hall are going to be switched off in five "
        "minutes, the blinds on the street side will be closed, the heating goes down to "
        "seventeen degrees, and the garden door will be locked as soon as the last of you has "
        "come home from the concert in the town hall tonight."
    ),
    (
        "The lights in the living room and in the hall are going to be switched off in ten "
        "minutes, the blinds on the street side will be closed, the heating goes down to "
        "seventeen degrees, and the front door will be locked as soon as the last of you has "
        "come home from the concert in the town hall tonight, while the fan in the bathroom "
        "keeps running for a quarter of an hour, the washing machine waits for the cheap power "
        "after midnight, and the radio beside the bed plays quietly until everybody is asleep."
    ),
)
"""Sentences of 100, 300 and 500 characters: peak memory is measured for each on its own."""


def speed_texts(*, quick: bool) -> tuple[Text, ...]:
    """Every text of the speed measurement; `quick` takes one of each group."""
    texts = [
        *(_text(_group_of(words), words) for words in _SENTENCES),
        *(_text(Group.SEVERAL, words) for words in _SEVERAL),
        *(_text(Group.STREAMED, words) for words in _STREAMED),
        *(_text(Group.WRITTEN, words) for words in _WRITTEN),
    ]
    if quick:
        texts = list({text.group: text for text in reversed(texts)}.values())
    return tuple(sorted(texts, key=lambda text: (list(Group).index(text.group), len(text.words))))


def long_text(characters: int) -> str:
    """Return words without a full stop or a comma, of so many characters."""
    words = "and then the light in the hall is on while nobody is there "
    return (words * (characters // len(words) + 1))[:characters]


def _text(group: Group, words: str) -> Text:
    return Text(f"{group} ({len(words)})", group, words)


def _group_of(words: str) -> Group:
    return next(group for group, bound in _UPPER_BOUNDS.items() if len(words) <= bound)
