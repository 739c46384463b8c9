"""A strict stand-in for the public endpoints, pages of another origin, and a browser to look at them with."""

import contextlib
import html
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

SCRIPTS = Path(__file__).parents[3] / "static" / "js"
SITE = "site_demo"
LISTING = "ZHK-1042"
NUMBER = "+77172690001"
REAL_NUMBER = "+77172690000"
PATIENCE_SECONDS = 10

TEXT = (str,)
TEXT_OR_ABSENT = (str, type(None))
PAGE_FIELDS = {"url", "referrer"}
CLIENT_FIELDS = {"ga", "ym", "gclid", "yclid", "fbclid"}
IDENTITY = {"site": TEXT, "visitor": TEXT_OR_ABSENT, "session": TEXT, "page": (dict,)}
BODIES: dict[str, dict[str, tuple[type, ...]]] = {
    "/c/v1/visits": IDENTITY | {"clients": (dict, type(None))},
    "/c/v1/leases": IDENTITY | {"listing": TEXT, "token": TEXT_OR_ABSENT, "clients": (dict, type(None))},
    "/c/v1/callbacks": IDENTITY
    | {
        "listing": TEXT_OR_ABSENT,
        "phone": TEXT,
        "at": TEXT_OR_ABSENT,
        "department": TEXT_OR_ABSENT,
        "consent": (dict,),
    },
}
EVENT_TYPES = {"dial", "copy", "qr", "heartbeat"}


@dataclass
class Answer:
    """What the stand-in answers; `gate` holds it back until somebody opens it."""

    status: int = 200
    body: Any = None
    gate: threading.Event | None = None


@dataclass
class Request:
    """One request as it came in."""

    path: str
    body: dict[str, Any]


def lease_answer(**changes: Any) -> dict[str, Any]:
    """Gives the answer to a lease as the contract has it."""
    return {
        "lease": "lse_1",
        "number": NUMBER,
        "display": "+7 717 269 00 01",
        "kind": "dynamic",
        "listing": LISTING,
        "expires_at": "2026-11-21T10:30:00Z",
        "ttl": 1800,
    } | changes


class Server(ThreadingHTTPServer):
    """A server of this test's own, on a port that the system chooses."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Stops serving and frees the port."""
        self.shutdown()
        self.server_close()


class ApiHandler(BaseHTTPRequestHandler):
    """Answers the public endpoints, and writes down every breach of the contract."""

    server: "Api"

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "null")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        """Serves the script."""
        content = (SCRIPTS / "v1.min.js").read_bytes()
        self._send(200, content, "text/javascript; charset=utf-8")

    def do_OPTIONS(self) -> None:
        """Refuses: nothing that the script sends may need a preflight."""
        self.server.breach(f"preflight for {self.path}")
        self.send_error(405)

    def do_POST(self) -> None:
        """Checks, records and answers."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.check(self.path, self.headers, raw)
        request = Request(self.path, json.loads(raw))
        answer = self.server.answer_to(request)
        self.server.record(request)
        if answer.gate:
            answer.gate.wait(PATIENCE_SECONDS)
        body = answer.body
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        # The page may have gone away meanwhile, as pages do.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._send(answer.status, content, "application/json")


class Api(Server):
    """The stand-in: `requests` has what came, `answers` decides what goes out, `breaches` must stay empty."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.breaches: list[str] = []
        self.answers: dict[str, Callable[[Request], Answer] | Answer] = {}
        self._changed = threading.Condition()
        super().__init__(ApiHandler)

    @property
    def base(self) -> str:
        """The base address as a page names it."""
        return f"{self.address}/c"

    def breach(self, what: str) -> None:
        """Notes that the contract was broken."""
        self.breaches.append(what)

    def check(self, path: str, headers: Any, raw: bytes) -> None:
        """Holds a request to the contract."""
        if headers.get_content_type() != "text/plain":
            self.breach(f"{path}: content type {headers['Content-Type']}")
        if headers.get("Cookie"):
            self.breach(f"{path}: cookies were sent")
        body = json.loads(raw)
        if path.endswith("/events"):
            if set(body) != {"type"} or body["type"] not in EVENT_TYPES:
                self.breach(f"{path}: {body}")
            return
        fields = BODIES[path]
        for name in set(body) - set(fields):
            self.breach(f"{path}: unknown field {name}")
        for name, kinds in fields.items():
            if not isinstance(body.get(name), kinds) or (name in body and body[name] is None):
                self.breach(f"{path}: {name} is {body.get(name)!r}")
        page = PAGE_FIELDS | ({"title"} if path == "/c/v1/visits" else set())
        if set(body["page"]) != page:
            self.breach(f"{path}: page has {sorted(body['page'])}")
        if set(body.get("clients", {})) - CLIENT_FIELDS:
            self.breach(f"{path}: clients has {sorted(body['clients'])}")

    def answer_to(self, request: Request) -> Answer:
        """Finds what the test has set for this path, else what a healthy server would say."""
        kind = request.path.rpartition("/")[2]
        answer = (
            self.answers.get(kind)
            or {
                "visits": Answer(body={"visit": "vst_1", "swaps": [], "widget": {}}),
                "leases": Answer(body=lease_answer(listing=request.body.get("listing"))),
                "events": Answer(204),
                "callbacks": Answer(202, {"callback": "cb_1", "state": "scheduled", "at": None}),
            }[kind]
        )
        return answer(request) if callable(answer) else answer

    def record(self, request: Request) -> None:
        """Keeps the request and wakes those who wait for it."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def to(self, kind: str) -> list[Request]:
        """Lists the requests to `visits`, `leases`, `events` or `callbacks` so far."""
        return [request for request in self.requests if request.path.endswith(f"/{kind}")]

    def wait_for(self, kind: str, count: int = 1) -> list[Request]:
        """Waits until so many requests of a kind have come, and lists them."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.to(kind)) >= count, PATIENCE_SECONDS)
        assert came, f"{len(self.to(kind))} of {count} requests to {kind} came: {self.requests}"
        return self.to(kind)


class PageHandler(BaseHTTPRequestHandler):
    """Serves the pages that the test has put up."""

    server: "Pages"

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""

    def do_GET(self) -> None:
        """Serves a page, whatever its query."""
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(404)
            return
        content = page.markup.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@dataclass
class Page:
    """A document of the host site."""

    markup: str
    headers: dict[str, str] = field(default_factory=dict)


class Pages(Server):
    """The host site; a new one each time, so that browser storage starts empty."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        super().__init__(PageHandler)


def start_browser(profile: Path, trace: str = "") -> Chrome:
    """Starts a browser of the tests' own; `trace` names the categories that its performance log is to hold."""
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1000,800",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(argument)
    if trace:
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        options.add_experimental_option("perfLoggingPrefs", {"traceCategories": trace})
    else:
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(PATIENCE_SECONDS)
    return driver


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """Starts one browser for all tests."""
    driver = start_browser(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture
def api() -> Iterator[Api]:
    """Serves the endpoints; the test fails if the script broke the contract."""
    server = Api()
    yield server
    for answer in server.answers.values():
        if isinstance(answer, Answer) and answer.gate:
            answer.gate.set()
    server.close()
    assert server.breaches == []


@pytest.fixture
def pages() -> Iterator[Pages]:
    """Serves the host site."""
    server = Pages()
    yield server
    server.close()


class Visitor:
    """Opens pages of the host site and says what is on them."""

    def __init__(self, driver: Chrome, api: Api, pages: Pages) -> None:
        self.driver = driver
        self.api = api
        self.pages = pages

    def tag(self, **attributes: str) -> str:
        """Writes the script tag."""
        named = {"src": f"{self.api.base}/v1.js", "data-site": SITE, "data-locale": "ru"} | {
            name.replace("_", "-"): value for name, value in attributes.items()
        }
        written = " ".join(f'{name}="{html.escape(value)}"' for name, value in named.items())
        return f"<script async {written}></script>"

    def put(self, body: str, tag: str | None = None, path: str = "/", **headers: str) -> None:
        """Puts up a page with the script tag in its head."""
        head = self.tag() if tag is None else tag
        self.pages.pages[path] = Page(
            f"<!doctype html><html lang=ru><head><title>ЖК</title>{head}</head><body>{body}</body></html>",
            {name.replace("_", "-"): value for name, value in headers.items()},
        )

    def go(self, path: str = "/") -> None:
        """Opens a page and waits for the script."""
        self.driver.get(self.pages.address + path)
        self.until("Boolean(window.callease && callease.ready)")
        self.driver.execute_async_script("callease.ready.then(() => arguments[0]())")

    def open(self, body: str, tag: str | None = None, **headers: str) -> None:
        """Puts a page up and opens it."""
        self.put(body, tag, **headers)
        self.go()

    def run(self, code: str, *arguments: Any) -> Any:
        """Runs statements in the page."""
        return self.driver.execute_script(code, *arguments)

    def js(self, expression: str, *arguments: Any) -> Any:
        """Gives the value of an expression in the page."""
        return self.run(f"return {expression}", *arguments)

    def until(self, expression: str, *arguments: Any) -> Any:
        """Waits until an expression in the page is something true."""
        wait = WebDriverWait(self.driver, PATIENCE_SECONDS, poll_frequency=0.02)
        return wait.until(lambda _: self.js(expression, *arguments), f"never: {expression}")

    def click(self, selector: str) -> None:
        """Clicks as a visitor does."""
        self.driver.find_element("css selector", selector).click()

    def shown(self, selector: str, state: str = "shown") -> dict[str, Any]:
        """Waits until an element shows a number and says how."""
        self.until(
            "document.querySelector(arguments[0])?.getAttribute('data-callease-state') === arguments[1]",
            selector,
            state,
        )
        return self.run(
            """const found = document.querySelector(arguments[0]);
            return {tag: found.localName, text: found.textContent.trim(), href: found.getAttribute('href')}""",
            selector,
        )

    def listen(self) -> None:
        """Writes down every event of the script from now on."""
        self.run(
            """window.heard = [];
            for (const name of ['ready', 'reveal', 'expired', 'dial', 'callback', 'error']) {
              document.addEventListener('callease:' + name, (event) => heard.push({
                name, detail: event.detail, from: event.target.nodeName,
                bubbles: event.bubbles, composed: event.composed,
              }));
            }"""
        )


@pytest.fixture
def visitor(browser: Chrome, api: Api, pages: Pages) -> Iterator[Visitor]:
    """Gives the browser to one test; the page must not have thrown."""
    browser.delete_all_cookies()
    browser.get_log("browser")
    yield Visitor(browser, api, pages)
    thrown = [entry["message"] for entry in browser.get_log("browser") if entry["source"] == "javascript"]
    browser.get("about:blank")
    assert thrown == []
