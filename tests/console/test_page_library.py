"""Documents on the page in headless Chromium: their history, and what becomes the team's."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.console.test_page import ask

pytestmark = pytest.mark.browser


def drop(page: Page, name: str, text: str) -> None:
    page.set_input_files(
        "#file-input", {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    )


def test_a_document_goes_back_to_an_earlier_version_and_an_older_passage_says_so(
    page: Page,
) -> None:
    row = page.locator("#documents .document", has_text="quokka.txt")
    drop(page, "quokka.txt", "The quokka enclosure opens at 09:15.")
    expect(row).to_contain_text("ready, 1 passage", timeout=15_000)
    ask(page, "When does the quokka enclosure open?")
    drop(page, "quokka.txt", "The quokka enclosure opens at 10:45.")
    expect(row).to_contain_text("version 2 · ready", timeout=15_000)

    page.locator(".answer a.citation").first.click()
    expect(page.locator("#passage mark")).to_contain_text("09:15")
    expect(page.locator("#passage-place")).to_have_text(
        "From version 1; the document is at version 2 now."
    )
    page.keyboard.press("Escape")

    row.locator("button.name").click()
    dialog = page.locator("#document")
    newest, oldest = dialog.locator(".version").first, dialog.locator(".version").last
    expect(newest).to_contain_text("shown now")
    expect(newest).to_contain_text("by you")
    with page.expect_download() as download:
        oldest.get_by_role("link", name="Download version 1").click()
    assert download.value.suggested_filename == "quokka.txt"
    assert "09:15" in Path(str(download.value.path())).read_text()

    oldest.get_by_role("button", name="Go back to this").click()
    page.locator("#confirm-yes").click()
    expect(dialog.locator(".version").first).to_contain_text("Version 3", timeout=15_000)
    expect(dialog.locator(".version").first).to_contain_text(
        "shown now · back to version 1", timeout=15_000
    )
    page.keyboard.press("Escape")
    page.click("#new-conversation")
    ask(page, "When does the quokka enclosure open?")
    expect(page.locator(".answer").last).to_contain_text("09:15")


def test_an_admin_makes_a_document_the_teams(page: Page) -> None:
    row = page.locator("#documents .document", has_text="wombat.txt")
    drop(page, "wombat.txt", "The wombat enclosure opens at 08:05.")
    expect(row).to_contain_text("Only me · ready", timeout=15_000)
    row.locator("button.name").click()
    page.get_by_role("button", name="Make it available to the team").click()
    expect(page.locator("#document-told")).to_contain_text("The whole team can use it now")
    expect(page.locator("#promote")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(row).to_contain_text("Team · ready")


def test_what_would_replace_a_document_of_the_teams_is_asked_first(page: Page) -> None:
    told = page.locator("#document-told")
    mine = page.locator("#documents .document", has_text="Only me · ready")
    for text in ("The zebu sleeps until nine.", "The zebu sleeps until ten."):
        drop(page, "zebu.txt", text)
        row = mine.filter(has_text="zebu.txt")
        expect(row).to_be_visible(timeout=15_000)
        row.locator("button.name").click()
        page.get_by_role("button", name="Make it available to the team").click()
        if "ten" in text:
            expect(page.locator("#confirm-text")).to_contain_text("zebu.txt")
            page.locator("#confirm-yes").click()
            expect(told).to_contain_text("It is the next version")
        expect(told).to_contain_text("The whole team can use it now")
        page.keyboard.press("Escape")
        expect(row).to_have_count(0)  # the next one is told from it


def test_what_a_member_asks_for_an_admin_sees_and_approves(
    askwell: dict[str, str], page: Page, browser: Browser, member_link: str
) -> None:
    context = browser.new_context(base_url=askwell["address"])
    theirs = context.new_page()
    theirs.goto(member_link)
    drop(theirs, "numbat.txt", "The numbat enclosure opens at 07:55.")
    row = theirs.locator("#documents .document", has_text="numbat.txt")
    expect(row).to_contain_text("ready", timeout=15_000)
    row.locator("button.name").click()
    theirs.get_by_role("button", name="Ask to make it available to the team").click()
    expect(theirs.locator("#document-told")).to_contain_text("A curator was asked")

    page.reload()
    request = page.locator("#requests .request", has_text="numbat.txt")
    expect(request).to_contain_text("mia@example.org would like the team to have it")
    request.get_by_role("button", name="Approve").click()
    expect(page.locator("#requests")).to_be_hidden()
    expect(page.locator("#documents .document", has_text="numbat.txt")).to_contain_text("Team")
    context.close()


def test_a_phone_shows_a_documents_history_over_its_list(
    page: Page, browser: Browser, signed_in: Path
) -> None:
    context = browser.new_context(
        storage_state=signed_in, viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    phone = context.new_page()
    phone.goto(page.url)
    phone.get_by_role("button", name="Menu").click()
    phone.locator("#documents button.name").first.click()
    # Whichever document is first: the tests before this one leave theirs.
    expect(phone.locator("#document .version").first).to_contain_text("Version")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.keyboard.press("Escape")
    expect(phone.locator("#document")).to_be_hidden()
    context.close()
