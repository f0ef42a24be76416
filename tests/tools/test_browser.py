"""The browser of the tests: one on PATH comes first, and what is fetched is what was pinned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import browser


@pytest.fixture(autouse=True)
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up a machine without a browser, and return its PATH's one folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "BROWSER", tmp_path / "fetched")
    return tmp_path


def test_a_browser_on_path_comes_before_the_fetched_one(empty: Path) -> None:
    assert browser.find() is None
    browser.BROWSER.touch()
    assert browser.find() == str(browser.BROWSER)
    own = empty / "google-chrome"
    own.touch(0o755)
    assert browser.find() == str(own)


def test_another_package_than_the_pinned_one_is_refused(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pack(command: list[str], folder: Path, *_: object) -> str:
        (folder / "chromium.tgz").write_bytes(b"something else")
        return ""

    monkeypatch.setattr(browser, "os_and_architecture", lambda: "linux_amd64")
    monkeypatch.setattr(browser, "run", pack)
    monkeypatch.setattr("tools.setup.CACHE", empty / "cache")
    assert browser.main() == 3
    assert "@sparticuz/chromium@153.0.0 was refused: its SHA-512 is" in capsys.readouterr().err
    assert list((empty / "cache").iterdir()) == []


def test_where_none_is_pinned_a_person_is_asked_to_install_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "os_and_architecture", lambda: "darwin_arm64")
    assert browser.main() == 3
    assert capsys.readouterr().err == "browser: install Chromium (on Debian: apt install chromium)\n"
