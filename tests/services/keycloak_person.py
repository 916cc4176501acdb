"""A person at Keycloak's pages: logs in, agrees, refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.services.keycloak_server import KeycloakServer

if TYPE_CHECKING:
    import httpx


def agree(keycloak: KeycloakServer, url: str, *, login: str = "alice") -> None:
    """Log in and say yes to what the page asks."""
    _answer(keycloak, url, login=login, button="accept")


def deny(keycloak: KeycloakServer, url: str, *, login: str = "alice") -> None:
    """Log in and say no."""
    _answer(keycloak, url, login=login, button="cancel")


def _answer(keycloak: KeycloakServer, url: str, *, login: str, button: str) -> None:
    import ssl

    import httpx

    tls = ssl.create_default_context(cafile=keycloak.ca_path)
    with httpx.Client(verify=tls, follow_redirects=True, trust_env=False) as browser:
        page = browser.get(url)
        page = _submit(browser, page, {"username": login, "password": keycloak.secret})
        _submit(browser, page, {button: "Yes"}).raise_for_status()


def _submit(browser: httpx.Client, page: httpx.Response, typed: dict[str, str]) -> httpx.Response:
    from lxml import html

    (form,) = html.fromstring(page.content).forms
    buttons = {button.get("name") for button in form.xpath(".//button|.//input[@type='submit']")}
    fields = {name: value for name, value in form.form_values() if name not in buttons}
    return browser.post(str(page.url.join(form.action)), data={**fields, **typed})
