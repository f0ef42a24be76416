"""Take the pictures of the example reviews in docs/reviews again: the top of each page, in light and in dark.

python tools/review_pictures.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import ViewportSize, sync_playwright

from sagewright.review.html import page
from tools import browser
from tools.review_examples import NAMES, PAGES, review

SIZE: ViewportSize = {"width": 1280, "height": 1400}
"""Of the window, in pixels."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> int:
    """Open each example in both colour schemes."""
    found = browser.find()
    if not found:
        print(f"review_pictures: no browser: {browser.HELP}", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found)
        for example in NAMES:
            file = Path(name) / f"{example}.html"
            file.write_text(page(review(example)), encoding="utf-8")
            for scheme in SCHEMES:
                shown = started.new_page(viewport=SIZE, color_scheme=scheme)
                shown.goto(file.as_uri())
                shown.screenshot(path=PAGES / f"{example}-{scheme}.png")
                shown.close()
        started.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
