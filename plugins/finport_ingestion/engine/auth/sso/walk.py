"""From a page that wants a login to the SAML response that it leads to: redirects, login form, code, response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from finport_ingestion.engine.auth.interface import Reply
from finport_ingestion.engine.auth.sso.forms import Form, forms_of
from finport_ingestion.engine.auth.sso.messages import decoded, parsed
from finport_ingestion.engine.auth.sso.visit import Visit, leads_to, origin
from finport_ingestion.engine.errors import AccessDenied, FormatError

_MOST_PAGES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who logs in. The code is asked for when a page wants it."""

    login: str
    password: str = field(repr=False)
    code: Callable[[], str] | None = field(default=None, repr=False)
    code_field: str = "otp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A SAML response that waits to be posted on."""

    action: str
    fields: dict[str, str] = field(repr=False)
    request_id: str  # of the request that it answers; empty where none was seen

    @property
    def response(self) -> str:
        """The response as it is posted, in base64."""
        return self.fields["SAMLResponse"]


class Walk:
    """One login at one identity provider. Login and password are typed into its pages only, once."""

    def __init__(self, visit: Visit, person: Person, *, provider: str, request_id: str = "") -> None:
        self._visit = visit
        self._person = person
        self._provider = origin(provider)
        self._request_id = request_id
        self._typed: set[str] = set()

    def response(self, reply: Reply, url: str) -> Answered:
        """Go on from an answer until there is a SAML response.

        Raises:
            AccessDenied: Login, password or code are refused. FormatError: A page leads nowhere.
            SourceUnavailable, ConfigError: As of any request.
        """
        for _ in range(_MOST_PAGES):
            following = leads_to(reply, url)
            if following:
                self._notice(following)
                reply, url = self._visit.get(following), following
                continue
            form = self._form(reply, url)
            if "SAMLResponse" in form.fields:
                return Answered(action=form.action, fields=form.fields, request_id=self._request_id)
            fields = self._filled(form)
            reply, url = self._submitted(form, fields), form.action
        raise self._nowhere(f"more than {_MOST_PAGES} pages")

    def _submitted(self, form: Form, fields: dict[str, str]) -> Reply:
        if form.method != "POST":
            raise self._nowhere("a form that would put its fields into the address")
        return self._visit.post(form.action, fields)

    def _form(self, reply: Reply, url: str) -> Form:
        """The form that leads on: one of SAML, else the one for a code, else the one for a password."""
        forms = forms_of(reply, url)
        for wanted in ("SAMLResponse", "SAMLRequest", self._person.code_field):
            for form in forms:
                if wanted in form.fields:
                    return form
        for form in forms:
            if form.password:
                return form
        status = "" if reply.status == HTTPStatus.OK else f" (status {reply.status})"
        raise self._nowhere(f"a page without a form to log in{status}")

    def _filled(self, form: Form) -> dict[str, str]:
        if "SAMLRequest" in form.fields:
            self._note(form.fields["SAMLRequest"], deflated=False)
            return form.fields
        if origin(form.action) != self._provider:
            raise AccessDenied(
                self._visit.what("POST", form.action) + ": this is not the identity provider's page.",
                hint="login and password are sent to identityProvider only; correct it if this is its server",
            )
        typed: dict[str, str] = {}
        if form.password:
            self._once("login or password", form)
            typed = {form.password: self._person.password, **({form.login: self._person.login} if form.login else {})}
        if self._person.code_field in form.fields:
            self._once("code", form)
            typed[self._person.code_field] = self._code(form)
        return {**form.fields, **typed}

    def _code(self, form: Form) -> str:
        if self._person.code is None:
            raise AccessDenied(
                self._visit.what("POST", form.action) + ": a code of a second factor is wanted.",
                hint="state 'otp', and put its secret into the connection's extra as otp_secret",
            )
        return self._person.code()

    def _once(self, what: str, form: Form) -> None:
        if what in self._typed:
            raise AccessDenied(
                self._visit.what("POST", form.action) + f": the {what} is refused.",
                hint="check the connection's login and password, and otp_secret in its extra",
            )
        self._typed.add(what)

    def _notice(self, url: str) -> None:
        requests = parse_qs(urlsplit(url).query).get("SAMLRequest")
        if requests:
            self._note(requests[0], deflated=True)

    def _note(self, request: str, *, deflated: bool) -> None:
        what = self._visit.what("GET", "")
        root = parsed(decoded(request, deflated=deflated, what=what), what=what)
        self._request_id = root.get("ID") or ""

    def _nowhere(self, why: str) -> FormatError:
        what = self._visit.what("GET", "")
        return FormatError(f"{what} leads to {why}.", hint="try it in a browser; scripts do not run here")
