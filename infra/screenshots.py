"""Make the pictures in docs/screenshots anew, from a running stack on which `backoffice demo` has run.

    .venv/bin/python infra/screenshots.py [--browser /usr/bin/chromium]

Needs `playwright` (a development dependency) and a Chromium of the system's; downloads neither.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
PROJECT = "acme_contacts"
WIDTH = 1600
SECONDS = 90
"""How long a page may take; the first one after a start of the API server is slow."""


def main(browser: str) -> None:
    """Log in as `admin`, look, leave PNG files. Exit code 1 where there is nothing to show."""
    from playwright.sync_api import sync_playwright

    from backoffice.deployment import deployment
    from backoffice.ledger import JobState
    from backoffice.places import var_folder

    if not (var_folder() / "backoffice.env").exists():
        sys.exit("There is no stack. Run `make run` first.")
    with deployment() as opened:
        url = opened.settings.airflow_url
        done = opened.ledger.jobs(project=PROJECT, states=[JobState.CERTIFIED], limit=1)
    if url is None or not done:
        sys.exit("There is no finished job to show. Run `make run` first.")
    password = (var_folder() / "secrets" / "airflow_admin_password").read_text(encoding="utf-8")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium refuses its sandbox to root
        chromium = playwright.chromium.launch(executable_path=browser, args=sandbox)
        page = chromium.new_page(
            ignore_https_errors=True, viewport={"width": WIDTH, "height": 1000}, color_scheme="light"
        )
        page.set_default_timeout(SECONDS * 1000)
        log_in(page, url, password)
        dags(page, url)
        graph(page, url, str(done[0].id))
        documentation(page, url)
        chromium.close()


def log_in(page: Page, url: str, password: str) -> None:
    """Airflow's own form."""
    page.goto(f"{url}/auth/login/")
    page.fill("#username", "admin")
    page.fill("#password", password)
    page.click("input[type=submit]")
    page.wait_for_url(lambda found: "/auth/login" not in found)


def dags(page: Page, url: str) -> None:
    """The list of DAGs: the company's own, and one a project."""
    page.goto(f"{url}/dags")
    page.get_by_text(PROJECT, exact=True).first.wait_for()
    settle(page)
    page.screenshot(path=FOLDER / "dags.png", clip={"x": 0, "y": 0, "width": WIDTH, "height": 790})


def graph(page: Page, url: str, run: str) -> None:
    """The graph of one run, every task group open."""
    page.set_viewport_size({"width": WIDTH, "height": 600})
    page.goto(f"{url}/dags/{PROJECT}/runs/{run}")
    page.get_by_label("Show Graph").click()
    page.get_by_label("Expand all task groups").click()
    page.get_by_label("Collapse Details Panel").click()
    page.add_style_tag(content=".react-flow__minimap { display: none }")
    settle(page)
    page.get_by_label("Fit View").click()
    settle(page)
    page.screenshot(path=FOLDER / "graph.png")


def documentation(page: Page, url: str) -> None:
    """What an operator reads beside a project's DAG."""
    page.add_init_script("""localStorage.setItem("airflow-markdown-dialog-size", '{"height":640,"width":900}')""")
    page.set_viewport_size({"width": WIDTH, "height": 1000})
    page.goto(f"{url}/dags/{PROJECT}")
    page.get_by_label("Dag Docs").click()
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    settle(page)
    dialog.screenshot(path=FOLDER / "documentation.png")


def settle(page: Page) -> None:
    """The UI fetches and moves things after it has been drawn; nothing of it says when it is done."""
    page.wait_for_timeout(3000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the pictures in docs/screenshots anew.")
    parser.add_argument("--browser", default=shutil.which("chromium") or "/usr/bin/chromium")
    main(parser.parse_args().browser)
