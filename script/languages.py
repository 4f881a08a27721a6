"""Language tables from CLDR's JSON packages; see script/update-languages."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from language_choices import (
    CATEGORIES,
    COMMON,
    COMMON_GENDER,
    DIGITS_ONLY,
    FORMS,
    GENDERS,
    LANGUAGES,
    LATIN,
    LONGEST_SYMBOL,
    ORDINALS,
    OWN,
    PER,
    SPELLED,
    SYMBOLIC,
    UNITS,
)
from unicode_rbnf import FormatPurpose, RbnfEngine


def read(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def plural(rules: dict[str, str]) -> dict[str, list[list[list[Any]]]]:
    """Return conditions as data: category to alternatives of relations that must all hold."""
    found = {}
    for key, rule in rules.items():
        category, condition = key.rsplit("-", 1)[1], rule.split("@")[0].strip()
        if condition:
            found[category] = [
                [relation(text) for text in alternative.split(" and ")]
                for alternative in condition.split(" or ")
            ]
    return found


def relation(text: str) -> list[Any]:
    """Return ``n % 10 = 2..4`` as [operand, modulus, negated, ranges]."""
    match = re.fullmatch(r"\s*([a-z])(?: % (\d+))? (!?=) ([\d.,]+)\s*", text)
    assert match, text
    operand, modulus, sign, values = match.groups()
    ranges = [[int(bound) for bound in part.split("..")] for part in values.split(",")]
    return [operand, int(modulus or 0), sign == "!=", [[r[0], r[-1]] for r in ranges]]


def squeezed(forms: dict[str, str]) -> str | dict[str, str]:
    """One form where all are the same; `{}` stands for the number, behind which is the default."""
    forms = {category: form.removeprefix("{} ") for category, form in forms.items()}
    return next(iter(forms.values())) if len(set(forms.values())) == 1 else forms


def pattern(text: str) -> str:
    """Return a pattern of CLDR with `{}` for the number and plain blanks."""
    return " ".join(text.replace("{0}", " {} ").replace("\u00a0", " ").split())


def unit(data: dict[str, str], *, latin: bool, prefix: str = "unitPattern-count-") -> Any:
    """Names of a unit or currency by plural category; None if CLDR has signs only."""

    def named(form: str) -> bool:
        return not SYMBOLIC.search(form) and (latin or not LATIN.search(form))

    forms = {
        category: pattern(data[prefix + category])
        for category in CATEGORIES
        if prefix + category in data
    }
    spoken = {c: f for c, f in forms.items() if named(f)}
    if not spoken:
        name = data.get("displayName", "")
        return name if name and named(name) else None
    default = spoken.get("other") or next(iter(spoken.values()))
    return squeezed({c: spoken.get(c, default) for c in forms})


def symbols(data: dict[str, Any], units: dict[str, Any]) -> dict[str, str]:
    """Abbreviations of units in the language's own script."""
    found = {}
    for name, key in UNITS.items():
        short = data.get(key, {}).get("unitPattern-count-other", "")
        text = re.sub(r"[\s{0}]", "", short.replace("\u200f", ""))
        names = str(units.get(name, "")).lower()
        if (
            (1 < len(text) <= LONGEST_SYMBOL or (text and name == "hour"))
            and not re.search(r"[A-Za-z°%‰.,0-9\u00c0-\u024f]", text)
            and f"'{text.lower()}'" not in names
            and text.lower() != names
            and "{0}" in short
            and name in units
        ):
            found[text] = name
            found[text.replace("⋅", "·")] = name
    return found


def numbers(language: str, genders: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Words of the numbers, and 1 to 99 where a gender has another form than the plain number."""
    engine = RbnfEngine.for_language({"nb": "no", "pt-PT": "pt"}.get(language, language))

    def forms(number: float) -> dict[str, str]:
        return {
            ruleset: text.replace("\u00ad", "").replace("\u200b", "").strip()
            for ruleset, text in engine.format_number(number).text_by_ruleset.items()
        }

    plain, negative = next(iter(forms(5).values())), next(iter(forms(-5).values()))
    if language == "zh":  # its first ruleset counts days
        plain, negative = forms(5)["spellout-cardinal"], forms(-5)["spellout-cardinal"]
    words = {"minus": negative.removesuffix(plain).strip()}
    decimal = forms(3.7).get("spellout-cardinal", next(iter(forms(3.7).values())))
    middle = decimal.removeprefix(next(iter(forms(3).values())))
    middle = middle.removesuffix(next(iter(forms(7).values()))).strip()
    if middle and " " not in middle and middle != decimal:
        words["point"] = middle
    by_gender: dict[str, Any] = {}
    for gender in sorted(genders):
        ruleset = COMMON_GENDER.get(language, "") if gender == "c" else FORMS[gender]
        found = {}
        for number in range(1, 100):
            spelled = forms(number)
            if spelled.get(ruleset, "") not in {"", spelled.get("spellout-numbering")}:
                found[str(number)] = spelled[ruleset]
        if found and language not in DIGITS_ONLY:
            by_gender[gender] = found
    return words, by_gender


def ordinals(language: str) -> dict[str, list[str]]:
    """Return the ordinals from 1 in the forms that dates and suffixes need."""
    rulesets = ORDINALS.get(language[:2], {})
    if not rulesets:
        return {}
    engine = RbnfEngine.for_language({"nb": "no"}.get(language, language[:2]))
    return {
        form: [
            engine.format_number(number, FormatPurpose.ORDINAL)
            .text_by_ruleset[ruleset]
            .replace("\u00ad", "")
            for number in range(1, 100 if form == "genitive" else 32)
        ]
        for form, ruleset in rulesets.items()
    }


def table(source: Path, language: str, version: str) -> dict[str, Any]:
    """Everything of one language."""

    def main(package: str, name: str) -> Any:
        return read(source / package / "main" / language / f"{name}.json")["main"][language]

    base = language.split("-", maxsplit=1)[0]
    rules = read(source / "core/supplemental/plurals.json")["supplemental"]
    cardinal = rules["plurals-type-cardinal"]
    signs = main("numbers-full", "numbers")["numbers"]
    long = main("units-full", "units")["units"]["long"]
    calendar = main("dates-full", "ca-gregorian")["dates"]["calendars"]["gregorian"]
    latin = bool(LATIN.search(calendar["months"]["format"]["wide"]["10"])) or base == "vi"
    units = {name: unit(long[key], latin=latin) for name, key in UNITS.items() if key in long}
    units = {name: forms for name, forms in units.items() if forms}
    genders = {
        name: GENDERS[long[key]["gender"]]
        for name, key in UNITS.items()
        if name in units and "gender" in long[key]
    }
    per = {
        name: pattern(long[UNITS[name]]["perUnitPattern"]).removeprefix("{} ")
        for name in PER
        if "perUnitPattern" in long[UNITS[name]]
        and not SYMBOLIC.search(long[UNITS[name]]["perUnitPattern"].replace("{0}", ""))
    }
    names = main("numbers-full", "currencies")["numbers"]["currencies"]
    currencies = {
        code: unit(names[code], latin=latin, prefix="displayName-count-")
        for code in (*COMMON, *([OWN[base]] if base in OWN else []))
        if code in names
    }
    result: dict[str, Any] = {
        "source": f"CLDR {version}, Unicode-3.0",
        "decimal": signs["symbols-numberSystem-latn"]["decimal"],
        "group": signs["symbols-numberSystem-latn"]["group"],
        "plural": plural(cardinal.get(language) or cardinal[base]),
        "units": units,
        "per": per,
        "currencies": {code: forms for code, forms in currencies.items() if forms},
        "months": [calendar["months"]["format"]["wide"][str(n)] for n in range(1, 13)],
        "order": order(calendar["dateFormats"]["short"]),
        "date": date(calendar["dateFormats"]["long"]),
    }
    own = symbols(main("units-full", "units")["units"]["short"], units)
    try:
        words, forms = numbers(language, set(genders.values()))
    except ValueError:
        words, forms = {}, {}
    if forms:
        result["genders"] = {n: g for n, g in genders.items() if g in forms}
        result["forms"] = forms
    if language in SPELLED:
        engine = RbnfEngine.for_language(language)
        result["numerals"] = [str(engine.format_number(number).text) for number in range(100)]
    more = {"words": words, "symbols": own, "ordinals": ordinals(language)}
    return result | {key: value for key, value in more.items() if value}


def order(short: str) -> str:
    """Return the order of day, month and year in CLDR's short date."""
    letters = re.sub(r"[^dMyG]", "", re.sub(r"'[^']*'", "", short)).lower().replace("g", "")
    return "".join(dict.fromkeys(letters))


def date(long: str) -> str:
    """CLDR's long date with the fields {d}, {month} and {year}; empty if the day is an ordinal."""
    quoted = re.split(r"'([^']*)'", long)
    for index in range(0, len(quoted), 2):
        part = re.sub(r"MMMM|LLLL", "{month}", quoted[index])
        part = re.sub(r"\bd{1,2}\b", "{d}", part)
        quoted[index] = re.sub(r"\by\b", "{year}", part)
    text = "".join(quoted)
    usable = not re.search(r"[.()GM]", text)
    return text if usable and {"d", "month", "year"} == set(re.findall(r"{(\w+)}", text)) else ""


def generate(source: Path, target: Path) -> None:
    """Write one table a language."""
    version = read(source / "core/package.json")["version"]
    target.mkdir(exist_ok=True)
    total = 0
    for language in LANGUAGES:
        if not (source / "units-full/main" / language).exists():
            print(f"{language}: not in CLDR")
            continue
        text = json.dumps(
            table(source, language, version), ensure_ascii=False, separators=(",", ":")
        )
        (target / f"{language}.json").write_text(text + "\n", encoding="utf-8")
        total += len(text.encode())
    print(f"{len(LANGUAGES)} languages, {total} bytes")


if __name__ == "__main__":
    generate(Path(sys.argv[1]), Path(sys.argv[2]))
