"""The page of settings, made from their declarations: ``script/update-settings`` writes it."""

from __future__ import annotations

from pathlib import Path

from wyoming_piper_hardened.config.settings import Setting, all_settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

_HEAD = """\
# Settings

<!-- made by script/update-settings from wyoming_piper_hardened/config/settings.py -->

Read in this order, each stronger than the one before: defaults, a YAML or JSON file
(`--config FILE`), the environment (`WPH_MAX_QUEUE=10`), flags (`--max-queue 10`; for true or false
`--offline` or `--no-offline`). `app`, the server
as an app of Home Assistant, reads no such file but, stronger than the environment, the app's
options (`/data/options.json`). A wrong option never keeps it from starting: the option is at its
default, and an issue says so.

| setting | default | allowed | what it does |
|---|---|---|---|
"""


def render() -> str:
    """Return the page as Markdown."""
    return _HEAD + "".join(map(_row, all_settings()))


def _row(setting: Setting) -> str:
    match setting.default:
        case None | ():
            default = ""
        case Path():
            default = "the user's data folder"
        case value:
            default = f"`{value}`"
    return f"| `{setting.name}` | {default} | {setting.allowed} | {setting.help} |\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
