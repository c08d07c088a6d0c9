"""Chromium against the whole product. The machine's own browser is used: CHROMIUM, or what Debian installs."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from daicho.testkit.product import Product

from .browsing import at_the_console

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        raise RuntimeError("these tests need Chromium: apt-get install chromium, or name it by CHROMIUM")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, product: Product) -> AsyncIterator[Page]:
    """A page of the console that nobody has signed in to."""
    async with at_the_console(browser, product) as opened:
        yield opened
