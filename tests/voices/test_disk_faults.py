"""A disk that is full or fails, at every single operation: a named error, and nothing is lost."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import Tell
from support.disk_faults import Refusal, refusing
from support.hub import faulty_hub
from support.hub_faults import voices_json
from support.power_cut import OnlySource
from support.voices import SINGLE, SINGLE_CONFIG
from wyoming_piper_hardened.config import load_settings
from wyoming_piper_hardened.engine.split import split
from wyoming_piper_hardened.errors import (
    NoSpaceError,
    StoreError,
    VoiceNotFoundError,
)
from wyoming_piper_hardened.service import build_installer
from wyoming_piper_hardened.voices import store as store_module
from wyoming_piper_hardened.voices.hub import CATALOGUE_PATH
from wyoming_piper_hardened.voices.hub_settings import HubSettings
from wyoming_piper_hardened.voices.hub_source import HubSource
from wyoming_piper_hardened.voices.installer import Installer
from wyoming_piper_hardened.voices.keeper import Keeper
from wyoming_piper_hardened.voices.library import Library, find_voices
from wyoming_piper_hardened.voices.manifest import find_damage
from wyoming_piper_hardened.voices.resolution import IssueKind, Issues, Suggestion
from wyoming_piper_hardened.voices.source_finder import SourceFinder
from wyoming_piper_hardened.voices.sources import FileSource, Source
from wyoming_piper_hardened.voices.store import Store

NAME = "en_US-amy-medium"
HUB_FILE = f"en/en_US/amy/medium/{NAME}.onnx"
NAMED = {errno.ENOSPC: (NoSpaceError,), errno.EIO: (StoreError,)}
CODES: dict[int, set[str]] = {
    errno.ENOSPC: {"no-space"},
    errno.EIO: {"store-unusable"},
}
EXTRAS = {"reason.json"}  # nobody misses it
ONE_EACH = [(errno.ENOSPC, True), (errno.EIO, False)]
"""A full disk stays full; a single block is bad."""
EVERY_KIND = [*ONE_EACH, (errno.ENOSPC, False), (errno.EIO, True)]


class Nobody(SourceFinder):
    """Finds nothing."""

    def __init__(self) -> None:
        pass

    def find(self, name: str) -> Source:
        raise VoiceNotFoundError(name)


@dataclass(frozen=True)
class Bench:
    """An old and a new version of a tiny voice, and the parts that a preparation gives."""

    old: Source
    new: Source
    parts: Path

    def installer(self, data: Path, source: Source | None) -> Installer:
        """A real one, but for the processes that prepare and try a voice."""

        async def prepare(_: Path, folder: Path) -> None:
            def copy() -> None:
                for part in self.parts.iterdir():
                    shutil.copyfile(part, folder / part.name)

            await asyncio.to_thread(copy)

        async def try_voice(_: Path) -> None:
            pass

        sources = Nobody() if source is None else OnlySource(source)
        return Installer(Store(data), sources, try_voice, prepare)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    parts = folder / "parts"
    split(SINGLE, SINGLE_CONFIG, parts)

    def source(version: str) -> FileSource:
        model = folder / version / f"{NAME}.onnx"
        model.parent.mkdir()
        model.write_bytes(SINGLE.read_bytes() + version.encode())  # nobody loads it here
        shutil.copyfile(SINGLE_CONFIG, f"{model}.json")
        return FileSource(NAME, f"custom:{version}", model, model.stat().st_size)

    return Bench(source("old"), source("new"), parts)


def contents(version: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in version.iterdir()}


def tree(data: Path) -> set[str]:
    """What lies in the data directory, but for what every transaction leaves empty."""
    idle = {"locks", f"locks/{NAME}", "staging", "voices", "quarantine"}
    return {str(path.relative_to(data)) for path in data.rglob("*")} - idle


@dataclass(frozen=True)
class Before:
    """How the store was before the disk refused."""

    data: Path
    serving: Path | None
    files: dict[str, bytes]
    tree: set[str]

    @classmethod
    def of(cls, data: Path) -> Before:
        serving = Store(data).serving(NAME)
        return cls(data, serving, contents(serving) if serving else {}, tree(data))

    def check(self, *, succeeded: bool) -> bool:
        """Whether the new version serves; the old one and the new one are looked at."""
        store = Store(self.data)
        current = store.current(NAME)
        switched = current is not None and current != self.serving
        assert switched or not succeeded
        assert not list((self.data / "staging").glob("*"))
        serving = store.serving(NAME)
        offered = {v.name: v.model.parent for v in find_voices(store)}.get(NAME)
        assert offered == serving
        if switched:
            assert current is not None
            assert serving == current
            assert find_damage(current, digests=True) == []
        else:
            assert serving == self.serving
            assert tree(self.data) == self.tree
        if self.serving is not None and self.serving.exists():
            assert self.files.items() <= contents(self.serving).items()
        else:
            assert succeeded or self.serving is None
        return switched


Work = Callable[[Path], Awaitable[object]]


async def at_every_operation(
    work: Work, before: Path, tmp_path: Path, kinds: Sequence[tuple[int, bool]]
) -> dict[str, int]:
    """Do the work again and again, refused at every point; figures of how it went."""
    figures = dict.fromkeys(("points", "runs", "told", "told after the switch", "unharmed"), 0)
    for code, lasting in kinds:
        at, more = 0, True
        while more:
            at += 1
            data = tmp_path / f"{code}-{lasting}-{at}"
            await asyncio.to_thread(shutil.copytree, before, data, symlinks=True)
            more = await _refused(work, Refusal(data, at, code, lasting=lasting), data, figures)
            await asyncio.to_thread(shutil.rmtree, data)
        figures["points"] = at - 1
        figures["runs"] += at - 1
    return figures


async def _refused(work: Work, refusal: Refusal, data: Path, figures: dict[str, int]) -> bool:
    """One run; whether there was anything to refuse."""
    before = await asyncio.to_thread(Before.of, data)
    error: BaseException | None = None
    with refusing(refusal):
        try:
            await work(data)
        except BaseException as err:  # noqa: BLE001 - its class is what is tested
            error = err
        if not refusal.refused:
            assert error is None
            return False
        if error is None:
            assert {Path(path).name for _, path in refusal.refused} <= EXTRAS
            figures["unharmed"] += 1
        else:
            assert isinstance(error, NAMED[refusal.code]), f"{error!r} after {refusal.refused}"
            assert error.code in CODES[refusal.code]
            figures["told"] += 1
        switched = await asyncio.to_thread(lambda: before.check(succeeded=error is None))
        figures["told after the switch"] += switched and error is not None
        refusal.over = True
        await work(data)
    assert await asyncio.to_thread(lambda: before.check(succeeded=True))
    return True


def flip(file: Path) -> None:
    """Damage that does not show in the size: the version is still served."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("action", "kinds"),
    [
        ("install", ONE_EACH),
        ("update", EVERY_KIND),
        ("repair parts", EVERY_KIND),
        ("repair model", ONE_EACH),
    ],
)
async def test_at_every_operation(
    tmp_path: Path,
    bench: Bench,
    action: str,
    kinds: list[tuple[int, bool]],
    tell: Tell,
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    if action != "install":
        await bench.installer(before, bench.old).install(bench.old)
    if action.startswith("repair"):
        damaged = "decoder.onnx" if action == "repair parts" else f"{NAME}.onnx"
        (file,) = before.glob(f"voices/{NAME}/*-*/{damaged}")
        flip(file)

    async def work(data: Path) -> None:
        installer = bench.installer(data, bench.new)
        await (installer.repair(NAME) if "repair" in action else installer.install(bench.new))

    figures = await at_every_operation(work, before, tmp_path, kinds)
    assert figures["points"] > 30
    assert figures["told"] + figures["unharmed"] == figures["runs"]
    assert figures["runs"] == len(kinds) * figures["points"]
    show(action, figures, tell)


async def test_at_every_operation_of_a_download(
    tmp_path: Path,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    tell: Tell,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # reading the real ones takes longest
    before = tmp_path / "before"
    before.mkdir()
    await bench.installer(before, bench.old).install(bench.old)
    files = {HUB_FILE: SINGLE.read_bytes(), f"{HUB_FILE}.json": SINGLE_CONFIG.read_bytes()}
    files[CATALOGUE_PATH] = json.dumps(voices_json(files)).encode()
    async with faulty_hub(files) as hub:
        source = HubSource(HubSettings(endpoint=hub.endpoint), NAME, "hub:x", len(files[HUB_FILE]))

        async def work(data: Path) -> None:
            await bench.installer(data, source).install(source)

        figures = await at_every_operation(work, before, tmp_path, ONE_EACH)
    assert figures["told"] == figures["runs"] == 2 * figures["points"] > 60
    show("download", figures, tell)


async def test_with_the_real_processes_that_prepare_and_try(tmp_path: Path, bench: Bench) -> None:
    await bench.installer(tmp_path, bench.old).install(bench.old)
    before = await asyncio.to_thread(Before.of, tmp_path)
    source = FileSource(NAME, "custom:x", SINGLE, SINGLE.stat().st_size)
    installer = build_installer(load_settings(flags={"data_dir": tmp_path}))
    with (
        refusing(Refusal(tmp_path, 1, errno.EIO, only="symlink")) as refusal,
        pytest.raises(StoreError, match="what was there still serves"),
    ):
        await installer.install(source)
    assert refusal.refused
    assert not await asyncio.to_thread(lambda: before.check(succeeded=False))
    assert (await installer.install(source)).prepared
    assert await asyncio.to_thread(lambda: before.check(succeeded=True))


@pytest.mark.parametrize("how", ["the disk is full", "it would not fit"])
async def test_the_keeper_tells_and_the_voice_stays(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Also for a voice that nobody tells where to get again."""
    voice = await bench.installer(tmp_path, bench.old).install(bench.old)
    flip(voice.model.with_name("decoder.onnx"))
    library, issues = Library([voice], NAME), Issues()
    keeper = Keeper(bench.installer(tmp_path, None), library, issues)
    full = how == "the disk is full"
    with refusing(Refusal(tmp_path, 2 if full else 0, errno.ENOSPC, lasting=True)) as refusal:
        if not full:
            monkeypatch.setattr(store_module, "_SPACE_MARGIN", 10**18)
        with pytest.raises(NoSpaceError):
            await keeper.repair(NAME)
        (issue,) = issues
        assert (issue.kind, issue.subject) == (IssueKind.NO_SPACE, NAME)
        assert issue.suggestion is Suggestion.FREE_SPACE
        assert library.find(NAME) == voice
        assert await asyncio.to_thread(Store(tmp_path).serving, NAME) == voice.model.parent
        refusal.over = True
        monkeypatch.undo()
        mended = await keeper.repair(NAME)
    assert not list(issues)
    assert library.find(NAME) == mended != voice
    assert await keeper.verify(NAME) == []


def show(action: str, figures: dict[str, int], tell: Tell) -> None:
    told = ", ".join(f"{number} {name}" for name, number in figures.items())
    tell(f"{action}: refused at each operation: {told}; nothing was lost")
