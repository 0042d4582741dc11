"""The page in headless Chromium, as a person uses it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

PARENTAL = "How many days of parental leave do employees get?"


def ask(page: Page, question: str) -> None:
    answered = page.locator(".answer .feedback:visible").count()
    page.fill("#question", question)
    page.press("#question", "Enter")
    expect(page.locator(".answer .feedback:visible")).to_have_count(answered + 1)


def test_a_newcomer_gets_a_cited_answer_whose_citation_opens_the_passage(page: Page) -> None:
    page.get_by_role("button", name=PARENTAL).click()
    citation = page.locator(".answer a.citation").first
    expect(page.locator(".answer").last).to_contain_text("90 days")
    citation.click()
    dialog = page.locator("#passage")
    expect(dialog).to_contain_text("hr_policies.md")
    expect(dialog.locator("mark")).to_contain_text("90 days of fully paid parental")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_follow_up_retrieves_what_it_means(page: Page) -> None:
    ask(page, PARENTAL)
    ask(page, "and for contractors?")
    expect(page.locator(".answer").last).to_contain_text("40 calendar days")
    expect(page.locator(".source", has_text="contractor_policy.txt").first).to_be_visible()


def test_what_is_not_in_the_documents_is_declined(page: Page) -> None:
    ask(page, "What is the melting point of tungsten?")
    expect(page.locator(".answer").last).to_contain_text("could not find this")


def test_a_dropped_file_is_answered_from_and_removed_again(page: Page) -> None:
    text = b"The quokka enclosure opens at 09:15 and closes at 16:40."
    page.set_input_files(
        "#file-input", {"name": "zoo.txt", "mimeType": "text/plain", "buffer": text}
    )
    row = page.locator("#documents .document", has_text="zoo.txt")
    expect(row).to_contain_text("ready, 1 passage", timeout=15_000)
    ask(page, "When does the quokka enclosure open?")
    expect(page.locator(".answer").last).to_contain_text("09:15")
    row.locator("button.remove").click()
    page.locator("#confirm button.danger").click()
    expect(row).to_have_count(0)
    page.reload()
    expect(page.locator("#conversation")).to_contain_text("removed together with its document")
    page.click("#new-conversation")
    ask(page, "When does the quokka enclosure open?")
    expect(page.locator(".answer").last).to_contain_text("could not find this")


def test_an_unreadable_file_says_why(page: Page) -> None:
    page.set_input_files(
        "#file-input", {"name": "x.pdf", "mimeType": "application/pdf", "buffer": b"garbage"}
    )
    expect(page.locator("#library")).to_contain_text("is no PDF file inside")


def test_a_thumb_and_its_reason_outlast_a_reload(page: Page) -> None:
    ask(page, "What is the export download link validity?")
    page.locator(".thumb-down").last.click()
    page.locator("form.reason input").last.fill("too short")
    page.locator("form.reason button").last.click()
    page.reload()
    expect(page.locator(".thumb-down").last).to_have_attribute("aria-pressed", "true")


def test_the_page_is_usable_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the skip link
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type(PARENTAL)
    page.keyboard.press("Enter")
    expect(page.locator(".answer a.citation").first).to_be_visible()
    page.locator(".answer a.citation").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#passage")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".answer a.citation").first).to_be_focused()


def test_a_phone_shows_one_column_without_sideways_scrolling(
    page: Page, browser: Browser, signed_in: Path
) -> None:
    context = browser.new_context(
        storage_state=signed_in, viewport={"width": 390, "height": 844}, color_scheme="dark"
    )
    phone = context.new_page()
    phone.goto(page.url)
    ask(phone, PARENTAL)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    background = phone.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, background.strip("rgba()").split(",")[:3])) < 200
    context.close()


def test_a_used_link_says_so(askwell: dict[str, str], browser: Browser, signed_in: Path) -> None:
    page = browser.new_page()
    page.goto(askwell["link"])
    expect(page.locator("main")).to_contain_text("used before or is too old")
    page.close()


def test_an_admin_sees_how_maintenance_stands_and_has_a_job_run(page: Page) -> None:
    page.click("#open-you")
    page.get_by_role("link", name="How the jobs stand").click()
    row = page.locator("tr", has_text="clean_history")
    expect(row).to_contain_text("has not run yet")
    page.get_by_role("button", name="Run clean_history now").click()
    expect(row).to_contain_text("will run in a moment")
    page.get_by_role("link", name="Log of the jobs").click()
    page.get_by_role("link", name="Slots").click()
    expect(page.locator("#result_list")).to_contain_text("clean_history")
    expect(page.locator("#result_list")).to_contain_text("waiting")
    page.goto("/admin/accounts/workspace/")
    page.get_by_role("link", name="home", exact=True).click()
    page.fill("#id_retention_days", "90")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("90")
    page.goto("/admin/django_apscheduler/djangojob/")
    expect(page.locator("#content")).to_contain_text("0 django jobs")


def test_the_sign_in_token_is_in_no_log(askwell: dict[str, str], signed_in: Path) -> None:
    token = askwell["link"].rstrip("/").rpartition("/")[2]
    assert token not in Path(askwell["log"]).read_text()


def test_a_person_links_their_chat_gets_their_data_and_sees_what_forgetting_means(
    page: Page,
) -> None:
    page.click("#open-you")
    dialog = page.locator("#you")
    expect(dialog).to_be_visible()
    page.click("#make-code")
    expect(page.locator("#link-code")).to_contain_text("Say /link ")
    page.fill("#code", "ABCD-EFGH")
    page.press("#code", "Enter")
    expect(page.locator("#link-told")).to_contain_text("This code is wrong")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download what is stored about you").click()
    assert download.value.suggested_filename.startswith("askwell-")
    page.click("#forget-me")
    page.click("#forget-yes")
    # The page's person is its only admin.
    expect(page.locator("#you-problem")).to_contain_text("only admin")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
