"""A headless Chromium, driven by its DevTools protocol."""

import base64
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from websockets.sync.client import connect

from harness.wait import DEADLINE, eventually


class Browser:
    """One page in a browser of its own; `close` ends it."""

    def __init__(self, width=1280, height=900, dark=False):
        self.folder = tempfile.mkdtemp(prefix="weir-browser-")
        command = [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--remote-debugging-port=0",
            f"--user-data-dir={self.folder}",
            f"--window-size={width},{height}",
            "about:blank",
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self.count = 0
        self.said = []
        port_file = Path(self.folder) / "DevToolsActivePort"
        eventually(
            lambda: port_file.exists() and port_file.read_text().count("\n"), "a browser",
            within=6 * DEADLINE,
        )
        port = int(port_file.read_text().splitlines()[0])
        self.socket = connect(f"ws://127.0.0.1:{port}{self._page(port)}", max_size=None, legacy=True)
        self.call("Runtime.enable")
        self.call("Page.enable")
        self.call("Log.enable")
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    @staticmethod
    def _page(port):
        import urllib.request

        def found():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            return pages and "/devtools/page/" + pages[0]["id"]

        return eventually(found, "a page")

    def call(self, method, **params):
        """One command; its result."""
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=DEADLINE))
            if message.get("id") == self.count:
                assert "error" not in message, message
                return message["result"]
            self._note(message)

    def _note(self, message):
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.said.append(params["exceptionDetails"]["exception"].get("description", "?"))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.said.append(params["entry"]["text"])

    def open(self, url):
        self.call("Page.navigate", url=url)

    def run(self, script):
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def text(self, selector):
        """The text of the first element, or None."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def key(self, key, code=None):
        """Presses and lets go of a key."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent",
                type=kind, key=key, code=code or key,
                windowsVirtualKeyCode={"Tab": 9, "Enter": 13}.get(key, 0), **text,
            )

    def picture(self, file=None):
        """A screenshot as PNG bytes, written to a file if one is named."""
        data = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        if file is not None:
            Path(file).write_bytes(data)
        return data

    def close(self):
        try:
            self.socket.close()
        finally:
            self.process.terminate()
            self.process.wait(DEADLINE)
            shutil.rmtree(self.folder, ignore_errors=True)
