"""Chromium without a window, told what to do through a pipe by its DevTools protocol: what a page looks like, measures and complains of."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile

CALLED = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 240  # seconds, on a machine that does other things


def found():
    """The path of one that is installed; None without."""
    return next(filter(None, map(shutil.which, CALLED)), None)


class Browser:
    """with Browser(found()) as page: page.open(path) and so on. Raises RuntimeError where the browser refuses."""

    def __init__(self, program):
        self.home = tempfile.mkdtemp(prefix="tally-browser-")
        theirs, self.out = os.pipe()
        self.into, writes = os.pipe()
        # It reads from 3 and writes to 4, whatever these are here; `exec` so that ending it ends the browser.
        command = f'exec 3<&{theirs} 4>&{writes}; exec "$0" "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", command, program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             "--disable-background-networking", f"--user-data-dir={self.home}"], pass_fds=(theirs, writes), stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        os.close(theirs), os.close(writes)
        self.number, self.rest, self.session, self.complaints, self.loads, self.loaded = 0, b"", None, [], [], False
        try:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.ask(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.out), os.close(self.into)
        shutil.rmtree(self.home, ignore_errors=True)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while (answer := self.next()).get("id") != self.number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def next(self):
        """The next message; what happens meanwhile is noted."""
        while b"\0" not in self.rest:
            if not select.select([self.into], [], [], PATIENCE)[0] or not (more := os.read(self.into, 1 << 20)):
                raise RuntimeError("the browser says nothing any more")
            self.rest += more
        text, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(text)
        what, said = message.get("method"), message.get("params", {})
        if what == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(said["exceptionDetails"])[:500])
        elif what == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(said["args"])[:500])
        elif what == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])
        elif what == "Network.requestWillBeSent":
            self.loads.append(said["request"]["url"][:200])
        elif what == "Page.loadEventFired":
            self.loaded = True
        return message

    def open(self, path, width=1280, height=900, dark=False, scripts=True):
        self.loaded = False
        self.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", url=f"file://{path}")
        while not self.loaded:
            self.next()

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"Tab": 9, "ArrowRight": 39, "Escape": 27}[key])

    def picture(self, path, whole=False):
        """A PNG of what is seen, or of the whole page."""
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def printed(self, path):
        """A PDF, as it is printed."""
        path.write_bytes(base64.b64decode(self.ask("Page.printToPDF", printBackground=False)["data"]))
