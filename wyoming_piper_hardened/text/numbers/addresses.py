"""Web and e-mail addresses, IP addresses, versions and telephone numbers."""

from __future__ import annotations

import re

from ..language import Language

_GENERIC = "com|org|net|io|dev|local|app|info|eu|edu|gov|home|lan"
_DOMAINS = f"{_GENERIC}|de|at|ch|fr|es|nl|it|pl|pt|br|se|ru|cn|uk"
_PORT = re.compile(r":\d+$")


class Addresses:
    """Speaks addresses in one language; leaves them alone if it has no word for the dot."""

    starts = (
        r"https?://|ftp://|www\.|(?<![\w.+@-])[A-Za-z0-9][\w.+-]{0,63}@[\w-]"
        r"|(?<![\w.@-])[a-z0-9-]{1,63}\.[a-z]"
    )
    """Beginnings of addresses, as alternatives of a regular expression."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._dot = language.words.get("dot")
        self._at = language.words.get("at")
        self._web = re.compile(
            r"(?:(?:https?|ftp)://|www\.)(?P<host>[\w.:@\[\]%-]{1,255})(?P<rest>[/?#][^\s<>\"“”]{0,2000})?",
            re.IGNORECASE,
        )
        self._mail = re.compile(
            r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}"
        )
        self._bare = re.compile(rf"(?:[a-z0-9-]{{1,63}}\.){{1,5}}(?:{_DOMAINS})(?![\w-]|\.\w|\()")
        self._version = re.compile(r"v?\d{1,5}(?:\.\d{1,5}){2,6}(?![\w]|\.\d)")
        year = r"\d{4}\.\d\d?\.\d\d?" if language.order == "ymd" else r"(?!)"
        self._dates = re.compile(rf"(?:\d\d?\.\d\d?\.\d{{4}}|{year})(?!\d|\.\d)")
        self._phone = re.compile(
            r"\+\d{1,15}(?!\d)(?:[ -]?\(\d{1,5}\))?(?:[ -]?\d{1,12}(?!\d)){0,6}(?![\d-]|[.,:/]\d)"
        )
        self._american = re.compile(r"(?:1[-.])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\d-])")

    def web(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak the host of a web address: the words, and where the address ends."""
        match = self._web.match(text, at)
        if match is None:
            return None
        rest = match["rest"] or ""
        host = match["host"]
        trimmed = host + rest
        trimmed = trimmed.rstrip(".,;:!?'\"»…")
        if trimmed.endswith(")") and "(" not in trimmed:
            trimmed = trimmed.rstrip(").,;:!?")
        end = match.end() - (len(host) + len(rest) - len(trimmed))
        name = _PORT.sub("", host.rpartition("@")[2].rstrip(".:"))
        name = name.lower().removeprefix("www.")
        return (self.dotted(name), end) if name else None

    def mail(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak an e-mail address whole."""
        match = self._mail.match(text, at)
        if match is None or self._dot is None or self._at is None:
            return None
        name, _, host = match.group().partition("@")
        joint = self._at if self._language.unspaced else f" {self._at} "
        return f"{self.dotted(name)}{joint}{self.dotted(host)}", match.end()

    def bare(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a host's name in small letters without a scheme."""
        match = self._bare.match(text, at)
        if match is None or self._dot is None:
            return None
        return self.dotted(match.group()), match.end()

    def version(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak an IP address or a version: numbers with two dots or more."""
        match = self._version.match(text, at)
        if match is None or self._dot is None or self._dates.match(text, at):
            return None
        return self.dotted(match.group()), match.end()

    def phone(self, text: str, at: int) -> tuple[str, int] | None:
        """Speak a telephone number digit by digit."""
        match = self._phone.match(text, at)
        plus = self._language.words.get("plus")
        if match is not None:
            digits = sum(char.isdigit() for char in match.group())
            if plus is None or not 8 <= digits <= 15:
                return None
        else:
            match = self._american.match(text, at)
        if match is None:
            return None
        groups = ", ".join(" ".join(group) for group in re.findall(r"\d+", match.group()))
        return (f"{plus} {groups}" if match.group()[0] == "+" else groups), match.end()

    def dotted(self, name: str) -> str:
        """Return `name` with its dots in words, if the language has the word."""
        if self._dot is None:
            return name
        joint = self._dot if self._language.unspaced else f" {self._dot} "
        return joint.join(part for part in name.split(".") if part)
