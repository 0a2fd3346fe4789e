"""Copies of `examples/` that can be started: on free ports, with servers and certificates.

`SERVING` are the files that `weir run` takes; the rest is included, or for other tools.
"""

import itertools
import re
import shutil

from harness.backend import Backend
from harness.certificates import Authority
from harness.proxy import ROOT

FOLDER = ROOT / "examples"
SERVING = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("cloud/*.yaml")])
LISTENING = re.compile(r'(?<![\d.])"?(?:127\.0\.0\.1)?:(?:80|443|8080|8443)"?(?=[\s,}\]]|$)')
SERVER = re.compile(r"(?:10|127)\.\d+\.\d+\.\d+:\d+")
INSTALLED = "/etc/weir/"

_numbers = itertools.cycle(range(2, 250))


def loopback():
    """A loopback address, another one each time: no file names the same one twice."""
    return f"127.0.0.{next(_numbers)}"


class Example:
    """A copy of the examples in `folder`, of which `file` is to be started."""

    def __init__(self, file, folder, server):
        self.folder = folder
        self.path = folder / "examples" / file.relative_to(FOLDER)
        self.listeners = 0
        self.authority = self.client = None
        self.unix = []
        shutil.copytree(FOLDER, folder / "examples")
        for path in (folder / "examples").rglob("*.yaml"):
            path.write_text(self._changed(path.read_text(), path == self.path, server))

    def _changed(self, text, is_own, server):
        lines = []
        for line in text.splitlines():
            code = line.split("#")[0]
            if re.search("listen|address|^ *- ", code):
                code, count = LISTENING.subn("LISTENER", code)
                self.listeners += count if is_own else 0
            if code.startswith("admin:"):
                code = SERVER.sub("ADMIN", code)
            lines.append(code)
        text = "\n".join(lines) + "\n"
        text = SERVER.sub("SERVER", text)
        while "SERVER" in text:
            text = text.replace("SERVER", f"{loopback()}:{server.port}", 1)
        while "LISTENER" in text:
            text = text.replace("LISTENER", f'"{loopback()}:0"', 1)
        text = text.replace("ADMIN", "127.0.0.1:0")
        for name in re.findall(r"unix:/tmp/([\w-]+)\.sock", text):
            own = self.folder / f"{name}.sock"
            text = text.replace(f"unix:/tmp/{name}.sock", f"unix:{own}")
            if is_own and not name.endswith("example"):
                self.unix.append(Backend(path=own, name=name))
            elif is_own:
                self.listeners += 1
        if is_own and INSTALLED in text:
            self._make_certificates()
            text = text.replace(INSTALLED, f"{self.folder}/")
        return text

    def _make_certificates(self):
        """What examples look for below /etc/weir, as an authority of the web would issue it."""
        self.authority = Authority(self.folder, revocations="http://127.0.0.1:1/example.crl")
        for name, kind in [("www", "ec"), ("www-rsa", "rsa")]:
            pair = self.authority.issue("www.example.com", kind=kind, file=name)
            self.authority.staple(pair, self.folder / f"{name}.ocsp")
        self.authority.issue("partners.example.com", file="partners")
        self.authority.issue("orders.internal", file="orders")
        partners = Authority(self.folder, "partners")
        for name in ["partners", "mesh"]:
            shutil.copy(partners.file, self.folder / f"{name}-authority.pem")
        self.client = partners.issue("acme.test", client=True)
        (self.folder / "sticky.secret").write_text("0123456789abcdef0123456789abcdef")

    def close(self):
        for one in self.unix:
            one.close()
