"""`user` and `group`: root becomes somebody else, keeps one right, and tells what that costs."""

import grp
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from harness import Client, binary, eventually
from harness.admin import Admin
from harness.manager import free_low_port
from harness.setups import LOGGED, single

NOBODY = 65534
NET_BIND_SERVICE = 1 << 10

pytestmark = pytest.mark.usefixtures("as_root")


def run(*arguments, prefix=(), **options):
    # A process that changed its user may not be searched for leaks.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [*prefix, *binary(), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=environment, **options
    )


def written(folder, text):
    file = folder / "weir.yaml"
    file.write_text(text)
    return file


def statuses(proxy):
    """What the kernel says of each of its threads."""
    for task in Path(f"/proc/{proxy.pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        yield dict(line.split(":", 1) for line in lines)


class TestRun:
    def test_every_thread_is_the_user_and_keeps_one_right(self, weir, backend):
        port = free_low_port()
        group = grp.getgrnam("daemon").gr_gid
        config = {"user": "nobody", "group": "daemon", "listen": f"127.0.0.1:{port}"}
        proxy = weir({**config, "workers": 3, "servers": [backend().address]})
        assert proxy.address == ("127.0.0.1", port) and proxy.ask().status == 200
        found = list(statuses(proxy))
        assert len(found) >= 5
        for status in found:
            assert set(status["Uid"].split()) == {str(NOBODY)}
            assert set(status["Gid"].split()) == {str(group)}
            assert "0" not in status["Groups"].split()
            for name in ["CapPrm", "CapEff", "CapBnd", "CapAmb"]:
                assert int(status[name], 16) == NET_BIND_SERVICE, name
        assert Path(f"/proc/{proxy.pid}/fd").stat().st_uid == NOBODY

    def test_files_that_it_makes_are_the_users(self, weir, backend, tmp_path):
        folder = tmp_path / "own"
        folder.mkdir()
        os.chown(folder, NOBODY, NOBODY)
        log, path = folder / "access.json", folder / "weir.sock"
        config = {"user": "nobody", "listen": f"unix:{path}", "log": {"access": str(log)}}
        proxy = weir({**config, "servers": [backend().address]})
        client = Client(str(path))
        assert client.ask(target="/one").status == 200
        assert proxy.access(1, path=log)
        assert path.stat().st_uid == NOBODY and log.stat().st_uid == NOBODY
        log.rename(folder / "old.json")
        proxy.signal(signal.SIGUSR1)
        eventually(log.exists, "the log to be opened again")
        assert log.stat().st_uid == NOBODY
        client.close()
        assert proxy.stop() == 0
        assert not path.exists(), "the user could not remove the socket's file"

    def test_what_the_user_could_not_read_again_ends_the_start(self, tmp_path):
        (tmp_path / "sorry.html").write_text("x")
        (tmp_path / "sorry.html").chmod(0o600)
        text = 'listen: "127.0.0.1:0"\nuser: nobody\nroutes: [{respond: {file: sorry.html}}]\n'
        done = run("run", written(tmp_path, text))
        assert done.returncode == 1
        assert f"user nobody cannot read {tmp_path / 'sorry.html'}" in done.stderr
        assert "chgrp nobody" in done.stderr

    @pytest.mark.parametrize(
        "names, words",
        [
            ("user: no-such-user", "there is no such user: no-such-user"),
            ("user: nobody\ngroup: no-such-group", "there is no such group: no-such-group"),
        ],
    )
    def test_names_that_the_machine_does_not_know(self, tmp_path, names, words):
        text = f'listen: "127.0.0.1:0"\n{names}\nroutes: [{{respond: 200}}]\n'
        for command in ["run", "check"]:
            done = run(command, written(tmp_path, text))
            assert done.returncode == 1 and words in done.stderr, done
        assert run("check", "--no-files", written(tmp_path, text)).returncode == 0

    def test_who_is_not_root_stays_who_he_is(self, weir, tmp_path):
        text = 'listen: "127.0.0.1:0"\nuser: {}\nroutes: [{{respond: 200}}]\n'
        prefix = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"]
        done = run("run", written(tmp_path, text.format("daemon")), prefix=prefix)
        assert done.returncode == 1
        assert "cannot become user daemon: Weir was started by nobody" in done.stderr
        proxy = weir(text.format("nobody"), prefix=prefix)
        assert proxy.ask().status == 200

    def test_what_it_uses_is_still_told(self, weir, backend):
        """A process that has changed its user is kept from /proc/self unless it asks."""
        config = {"user": "nobody", "admin": "127.0.0.1:0", **LOGGED}
        proxy = weir(single(backend(), **config))
        text = Admin(proxy).ask(target="/metrics").body.decode()
        assert float(re.search(r"^process_open_fds (\S+)", text, re.M).group(1)) > 5


RIGHTS = """\
listen: ["127.0.0.1:{port}", "unix:{folder}/closed/a.sock", "unix:{folder}/none/b.sock"]
listeners: []
log: {{to: "{folder}/closed/weir.log", access: "{folder}/fixed/access.log"}}
routes: [{{respond: {{file: closed/sorry.html}}}}]
"""


class TestCheck:
    @pytest.fixture
    def file(self, tmp_path):
        for name in ["closed", "fixed", "none"]:
            (tmp_path / name).mkdir()
        (tmp_path / "none").rmdir()
        (tmp_path / "closed").chmod(0o700)
        (tmp_path / "closed/sorry.html").write_text("x")
        (tmp_path / "fixed/access.log").write_text("")
        os.chown(tmp_path / "fixed/access.log", NOBODY, NOBODY)
        text = RIGHTS.replace("listeners: []\n", "").format(folder=tmp_path, port=443)
        return written(tmp_path, text)

    def found(self, *arguments):
        done = run("check", "--json", *arguments)
        report = json.loads(done.stdout)["diagnostics"]
        return done, [(one["line"], one["severity"], one["id"]) for one in report], report

    def test_what_a_user_may_not_open(self, file, tmp_path):
        done, found, report = self.found("--user", "nobody", file)
        assert done.returncode == 1
        assert found == [
            (1, "warning", "rights"), (1, "error", "rights"), (1, "warning", "rights"),
            (2, "error", "rights"), (2, "warning", "rights"), (3, "error", "file"),
        ]
        words = [one["message"] for one in report]
        assert words[0] == (
            "user nobody cannot listen at 127.0.0.1:443 without CAP_NET_BIND_SERVICE"
        )
        assert f"folder {tmp_path}/closed: permission denied" in words[1]
        assert f"folder {tmp_path}/none: there is no such folder" in words[2]
        assert "anew after a rotation" in words[4]
        assert all(one["remedy"] for one in report)

    def test_the_files_own_user_keeps_the_ports(self, file):
        file.write_text(file.read_text() + "user: nobody\n")
        for arguments in [["--user", "nobody", file], [file]]:
            _, found, _ = self.found(*arguments)
            assert found[0] == (1, "error", "rights") and len(found) == 5, found
        _, found, _ = self.found("--user", "daemon", file)
        assert found[0] == (1, "warning", "rights"), "daemon is not whom Weir would become"

    def test_a_user_who_may(self, tmp_path):
        text = 'listen: "127.0.0.1:8080"\nlog: {access: stdout}\nroutes: [{respond: 200}]\n'
        done = run("check", "--strict", "--user", "nobody", written(tmp_path, text))
        assert done.returncode == 0, done.stderr
