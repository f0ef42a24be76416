"""The page of a review in a real browser: it is searched, filtered and switched, and does nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sagewright.review.html import page
from sagewright.review.model import Review
from tests.sagewright.review.test_html import HOSTILE, pictured
from tools import browser as browsers
from tools.review_examples import review

Open = Callable[[Review], Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the one browser of all tests here."""
    found = browsers.find()
    if not found:
        pytest.fail(f"no browser: {browsers.HELP}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open a review; when the test is over, nothing was asked but the file, and nothing was complained of."""
    context = browser.new_context(color_scheme="light")
    context.set_default_timeout(10_000)
    faults: list[str] = []
    asked: list[str] = []
    file = tmp_path / "review.html"

    def run(made: Review) -> Page:
        file.write_text(page(made), encoding="utf-8")
        shown = context.new_page()
        shown.on("console", lambda message: faults.append(message.text))
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("dialog", lambda dialog: faults.append(dialog.message))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(file.as_uri())
        return shown

    yield run
    context.close()
    assert faults == []
    assert [one for one in asked if one != "data:,"] == [file.as_uri()] * len(asked)


@pytest.fixture(scope="module")
def dangerous() -> Review:
    """Return the dangerous review."""
    return review("danger")


@pytest.fixture
def danger(opened: Open, dangerous: Review) -> Page:
    """Return the dangerous review, opened."""
    return opened(dangerous)


def test_search_shows_what_holds_all_words_and_opens_it(danger: Page) -> None:
    danger.keyboard.press("/")
    danger.keyboard.type("auth_mode studio")
    expect(danger.locator("#losses .item:visible")).to_have_count(1)
    expect(danger.locator("#losses .item:visible")).to_contain_text("acme-shop-studio")
    expect(danger.locator("#changes .item:visible")).to_contain_text(["aws_sagemaker_domain.studio"])
    expect(danger.locator("#drift")).to_be_hidden()
    expect(danger.locator("svg .box:not(.dim)")).to_contain_text(["sagemaker_domain"])
    danger.fill("#search", "nothing has this name")
    expect(danger.locator("#nothing")).to_be_visible()
    danger.keyboard.press("Escape")
    expect(danger.locator("#losses .item:visible")).to_have_count(5)
    expect(danger.locator("#changes .item:visible")).to_have_count(0)


def test_filters_choose_by_action_severity_stack_and_type(danger: Page) -> None:
    changes, shown = danger.locator("#changes details:visible"), danger.locator(".item:not([hidden])")
    danger.click("#filters button:text-is('replaced')")
    expect(changes).to_have_count(1)
    danger.click("#filters button:text-is('changed')")
    expect(changes).to_have_count(6)
    danger.select_option("select[data-facet=stack]", label="shop-studio")
    expect(changes).to_have_count(2)
    danger.select_option("select[data-facet=type]", label="aws_sagemaker_domain")
    assert {one.get_attribute("data-action") for one in shown.all()} == {"replace"}
    danger.click("#filters button:text-is('Clear')")
    danger.click("#filters button:text-is('critical')")
    expect(danger.locator("#stopped article:visible")).to_have_count(1)
    expect(danger.locator("#losses .item:visible")).to_have_count(5)
    expect(danger.locator("#access")).to_be_hidden()
    expect(danger.locator("svg .box:not(.dim)")).to_have_count(5)


def test_a_box_of_the_picture_leads_to_its_change_by_the_keyboard_too(danger: Page) -> None:
    box = danger.locator("svg a.replace").first
    box.focus()
    danger.keyboard.press("Enter")
    expect(danger.locator("article:target")).to_be_visible()
    expect(danger.locator("article:target")).to_contain_text("cannot be changed in place")


def test_colours_follow_the_system_until_they_are_switched(danger: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = danger.evaluate(background)
    danger.emulate_media(color_scheme="dark")
    dark = danger.evaluate(background)
    assert light != dark
    danger.click("#theme")
    assert danger.evaluate(background) == light
    expect(danger.locator("#theme")).to_have_text("Dark")


def test_paper_gets_everything_unfolded_and_on_white(danger: Page) -> None:
    danger.emulate_media(media="print", color_scheme="dark")
    danger.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(danger.locator("#changes .item:visible")).to_have_count(23)
    expect(danger.locator("#filters")).to_be_hidden()
    assert danger.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    danger.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(danger.locator("#changes .item:visible")).to_have_count(0)


def test_hostile_names_do_nothing(opened: Open) -> None:
    shown = opened(pictured(" ".join(HOSTILE)))
    shown.fill("#search", HOSTILE[0])
    assert shown.locator(".item:visible").count() > 0
    assert shown.locator("img, iframe, [onmouseover], [onerror]").count() == 0


def test_everything_fits_a_narrow_window(opened: Open) -> None:
    shown = opened(review("traffic"))
    shown.set_viewport_size({"width": 400, "height": 800})
    assert shown.evaluate("document.documentElement.scrollWidth") <= 400
