"""What the page's file picker offers."""

import re

import pytest
from django.test import Client

from knowledge.extraction import supported
from tests.backend.people import user

pytestmark = pytest.mark.django_db


def test_the_picker_offers_every_type_that_can_be_read() -> None:
    client = Client()
    client.force_login(user())
    (accept,) = re.findall(r'accept="([^"]*)"', client.get("/").content.decode())
    offered = accept.split(",")
    assert {".pdf", ".docx", ".pptx", ".xlsx", ".csv", ".html", ".png"} <= set(offered)
    assert all(supported(f"a{suffix}") for suffix in offered)
