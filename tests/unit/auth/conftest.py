"""Servers that hand out tokens."""

from __future__ import annotations

import pytest

from tests.conformance.sources.access import PLANTED_SECRET
from tests.services.web import WebServer
from tests.services.web_replies import json_reply
from tests.services.web_tokens import TokenEndpoint


@pytest.fixture
def tokens(web_server: WebServer) -> TokenEndpoint:
    """A token server at `/token` and a price list at `/prices` that wants its tokens."""
    endpoint = TokenEndpoint(client_id="finport", client_secret=PLANTED_SECRET)
    web_server.add("/token", endpoint)
    web_server.add("/prices", endpoint.protect(json_reply([1])))
    return endpoint
