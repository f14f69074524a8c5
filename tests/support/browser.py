"""Chromium, spoken to by its DevTools protocol: what a page does, and how it looks.

with browser(folder) as chromium:
    page = chromium.open(path, width=390)
    assert page.noticed == []
"""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import websocket
from tests.support.processes import Program, find_program, running

DESKTOP: Final = 1080
PHONE: Final = 390
PAPER: Final = 688
"""Widths in CSS pixels: a window beside another one, a phone of today held upright, and A4 between
the margins of a report."""
_HEIGHT: Final = 900
_A_WHILE: Final = 60

# What a policy stops is an event in the page; listening there runs before the page's own content.
_LISTEN: Final = (
    "document.addEventListener('securitypolicyviolation', event => "
    "noticed(`policy: ${event.effectiveDirective} ${event.blockedURI}`))"
)
_SETTLED: Final = (
    "document.fonts.ready.then(() => new Promise(done => "
    "requestAnimationFrame(() => requestAnimationFrame(done))))"
)


@dataclass(slots=True)
class Tab:
    """An open page, and everything it did that a report must not do."""

    socket: websocket.WebSocket
    address: str
    noticed: list[str] = field(default_factory=list)
    """Requests, violations of the policy, dialogs, errors and words on the console."""
    _last: int = 0
    _events: set[str] = field(default_factory=set)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and give its result; events on the way are noted."""
        self._last += 1
        self.socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self._last:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return dict(message["result"])
            self._note(message)

    def wait_for(self, event: str) -> None:
        """Wait until an event has come."""
        while event not in self._events:
            self._note(json.loads(self.socket.recv()))

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression, or what its promise brings."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def settle(self) -> None:
        """Wait until all is drawn, and everything that happened has been told."""
        self.evaluate(_SETTLED)

    def look(self, *, width: int = DESKTOP, dark: bool = False, paper: bool = False) -> None:
        """Show the page at a width, in light or dark, or as it would be printed."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=_HEIGHT,
            deviceScaleFactor=1,
            mobile=width == PHONE,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="print" if paper else "", features=[scheme])
        self.settle()

    def shot(self, *, height: int | None = None, scale: float = 1) -> bytes:
        """Give a picture of the page from its top, as PNG; all of it unless a height is given."""
        size = self.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": height or size[1], "scale": scale}
        answer = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def _note(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            return  # the answer to a dialog that was sent away
        self._events.add(message["method"])
        told = message["params"]
        match message["method"]:
            case "Runtime.bindingCalled":
                self.noticed.append(told["payload"])
            case "Runtime.consoleAPICalled":
                self.noticed.append(f"console: {told['args']}")
            case "Runtime.exceptionThrown":
                self.noticed.append(f"exception: {told['exceptionDetails']['text']}")
            case "Log.entryAdded":
                self.noticed.append(f"log: {told['entry']['text']}")
            case "Network.requestWillBeSent" if told["request"]["url"] != self.address and not (
                told["request"]["url"].startswith("data:")
            ):
                self.noticed.append(f"request: {told['request']['url']}")
            case "Page.javascriptDialogOpening":
                self.noticed.append(f"dialog: {told['message']}")
                self._last += 1
                self.socket.send(
                    json.dumps(
                        {
                            "id": self._last,
                            "method": "Page.handleJavaScriptDialog",
                            "params": {"accept": False},
                        }
                    )
                )


@dataclass(frozen=True, slots=True)
class Chromium:
    """A running Chromium without a window."""

    port: int

    def open(
        self, page: Path, *, width: int = DESKTOP, dark: bool = False, bypass: bool = False
    ) -> Tab:
        """Open a page in a tab of its own.

        Parameters
        ----------
        page
            The file.
        width, dark
            As for `Tab.look`.
        bypass
            Whether a test may run scripts of its own in the page, past the page's policy.
        """
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/json/new?about:blank", method="PUT"
        )
        with urllib.request.urlopen(request, timeout=_A_WHILE) as answer:
            target = json.load(answer)
        socket = websocket.create_connection(
            target["webSocketDebuggerUrl"], timeout=_A_WHILE, suppress_origin=True
        )
        tab = Tab(socket, page.absolute().as_uri())
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call("Runtime.addBinding", name="noticed")
        tab.call("Page.addScriptToEvaluateOnNewDocument", source=_LISTEN)
        if bypass:
            tab.call("Page.setBypassCSP", enabled=True)
        tab.look(width=width, dark=dark)
        tab.call("Page.navigate", url=tab.address)
        tab.wait_for("Page.loadEventFired")
        tab.settle()
        return tab


@contextmanager
def browser(folder: Path) -> Iterator[Chromium]:
    """Start Chromium with a new profile in a folder, and end it."""
    arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--remote-debugging-port=0",
        f"--user-data-dir={folder}/profile",
        "about:blank",
    ]
    with running(Program([find_program("chromium"), *arguments], folder)) as program:
        told = folder / "profile" / "DevToolsActivePort"
        program.wait_until(lambda: told.exists() and "\n" in told.read_text(), seconds=_A_WHILE)
        yield Chromium(int(told.read_text().splitlines()[0]))
