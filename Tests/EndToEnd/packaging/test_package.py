"""The Debian package: what is in it, and its life from installation to purge."""

import os
import pwd
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import Weir, binary
from harness.manager import Manager, free_low_port
from harness.proxy import ROOT

pytestmark = [pytest.mark.alone, pytest.mark.release]

FILE = Path("/etc/weir/weir.yaml")
UNIT = Path("/usr/lib/systemd/system/weir.service")
OWN = [
    "/usr/bin/weir",
    "/usr/share/man/man1/weir.1.gz",
    "/usr/share/bash-completion/completions/weir",
    "/usr/share/zsh/vendor-completions/_weir",
    "/usr/share/fish/vendor_completions.d/weir.fish",
    "/usr/share/doc/weir/copyright",
    str(UNIT),
]
KEPT = [str(FILE), "/etc/logrotate.d/weir"]
# The disk need not have it all before the next step.
DPKG = ["dpkg", "--force-unsafe-io"]
MADE = [Path("/run/weir"), Path("/var/log/weir")]


def run(*command, check=True, **options):
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, text=True, timeout=120, **options
    )
    assert not check or done.returncode == 0, done
    return done


def is_installed():
    done = run("dpkg-query", "--show", "--showformat=${Status}", "weir", check=False)
    return done.stdout.split()[-1:] not in ([], ["not-installed"])


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package, made of the binary that is tested."""
    folder = tmp_path_factory.mktemp("deb")
    quick = {"DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}
    script = ROOT / "packaging/build_deb.sh"
    done = run(script, binary()[0], folder, cwd=ROOT, env={**os.environ, **quick})
    return Path(done.stdout.splitlines()[-1])


def purge():
    run(*DPKG, "--purge", "weir", check=False)
    for folder in [*MADE, FILE.parent]:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def installed(package):
    """The package is installed until the last test, which removes it."""
    assert os.geteuid() == 0, "packages are installed by root: run these tests as root"
    assert not is_installed() and not FILE.exists(), "here is a Weir already, which stays"
    try:
        run(*DPKG, "--install", package)
        yield
    finally:
        purge()


def control(package, field):
    return run("dpkg-deb", "--field", package, field).stdout.strip()


class TestContents:
    def test_its_fields(self, package):
        version = run(*binary(), "version").stdout.split()[1]
        assert control(package, "Version") == version
        assert package.name == f"weir_{version}_{control(package, 'Architecture')}.deb"
        depends = control(package, "Depends")
        for library in ["libc6 (>=", "libssl3 (>=", "libnghttp2-14 (>=", "libyaml-0-2"]:
            assert library in depends, depends

    def test_its_files(self, package, tmp_path):
        listed = run("dpkg-deb", "--contents", package).stdout.splitlines()
        names = {line.split()[5].removeprefix(".") for line in listed}
        assert names.issuperset([*OWN, *KEPT])
        assert all(line.split()[1] == "root/root" for line in listed)
        assert not [line for line in listed if line[0] == "-" and line[8] == "w"]
        run("dpkg-deb", "--raw-extract", package, tmp_path / "all")
        run("md5sum", "--check", "--quiet", "DEBIAN/md5sums", cwd=tmp_path / "all")
        assert (tmp_path / "all/DEBIAN/conffiles").read_text().split() == sorted(KEPT)

    def test_the_container_has_the_same_libraries(self, package):
        """Nobody builds it here; what it installs must be what the binary needs."""
        text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
        lists = re.findall(r"--no-install-recommends +(.*?) +&&", text)
        built, served = [set(one.split()) for one in lists]
        assert built == set((ROOT / "Tests/Support/build-packages.txt").read_text().split())
        needed = {one.split()[0] for one in control(package, "Depends").split(",")}
        # What every Debian has.
        needed -= {"adduser", "libc6", "libgcc-s1", "libstdc++6"}
        assert served - {"ca-certificates"} == needed
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.M):
            for source in line.split():
                assert (ROOT / source).exists(), source
        words = {line.split()[0] for line in text.splitlines() if line and line[0] not in "# "}
        known = "FROM RUN WORKDIR COPY USER EXPOSE STOPSIGNAL ENTRYPOINT CMD"
        assert words == set(known.split())


class TestPages:
    def test_the_manual_page_is_what_the_commands_say(self):
        dump = run(*binary(), "--experimental-dump-help").stdout
        template = ROOT / "packaging/weir.1.in"
        made = run(sys.executable, ROOT / "packaging/write_man.py", template, input=dump).stdout
        assert (ROOT / "packaging/weir.1").read_text() == made, "make docs writes it anew"
        for command in re.findall(r"^  (\w+) {2,}", run(*binary(), "--help").stdout, re.M):
            section = made.split(f".SS weir {command}", 1)
            assert len(section) == 2, f"nothing of {command}"
            text = run(*binary(), command, "--help").stdout
            options = set(re.findall(r"^  (--[a-z-]+)", text, re.M)) - {"--help", "--version"}
            shown = section[1].split(".SS ")[0].replace("\\", "")
            assert not [one for one in options if one not in shown], command

    def test_it_is_sound_roff(self):
        done = run("groff", "-man", "-ww", "-z", "-Tutf8", ROOT / "packaging/weir.1")
        assert not done.stderr

    def test_bash_completes(self, installed):
        script = Path(OWN[2])
        asked = "COMP_WORDS=(weir che); COMP_CWORD=1; _weir weir che weir; echo ${COMPREPLY[@]}"
        assert run("bash", "-c", f"source {script}; {asked}").stdout.split() == ["check"]
        assert Path(OWN[3]).read_text().startswith("#compdef weir")
        assert "complete -c 'weir'" in Path(OWN[4]).read_text()


class Unit:
    """What weir.service says of who runs what."""

    def __init__(self):
        lines = [line for line in UNIT.read_text().splitlines() if "=" in line and line[0] != "#"]
        self.values = {}
        for line in lines:
            key, value = line.split("=", 1)
            self.values.setdefault(key, []).append(value)

    def __getitem__(self, key):
        assert len(self.values[key]) == 1, key
        return self.values[key][0]

    def prefix(self):
        """Has a command run by the user, and with the rights, that systemd would give it."""
        caps = self["AmbientCapabilities"].lower().removeprefix("cap_")
        assert self["CapabilityBoundingSet"] == self["AmbientCapabilities"]
        assert self["NoNewPrivileges"] == "yes"
        kept = f"-all,+{caps}"
        return [
            "setpriv", f"--reuid={self['User']}", f"--regid={self['Group']}", "--init-groups",
            f"--inh-caps={kept}", f"--ambient-caps={kept}", f"--bounding-set={kept}",
            "--no-new-privs",
        ]

    def make_folders(self):
        """As RuntimeDirectory= and LogsDirectory= have them."""
        for key, above in [("Runtime", "/run"), ("Logs", "/var/log")]:
            folder = Path(above, self[f"{key}Directory"])
            folder.mkdir(exist_ok=True)
            folder.chmod(int(self[f"{key}DirectoryMode"], 8))
            shutil.chown(folder, self["User"], self["Group"])


class TestService:
    def test_systemd_takes_the_unit(self, installed):
        done = run("systemd-analyze", "verify", UNIT)
        assert "weir" not in done.stderr + done.stdout
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=25", UNIT)
        assert "OK" in done.stdout.splitlines()[-1], done.stdout

    def test_it_serves_as_the_units_user(self, installed, tmp_path):
        unit, port = Unit(), free_low_port()
        unit.make_folders()
        text = FILE.read_text()
        assert 'listen: ":80"' in text
        access = "log: {access: /var/log/weir/access.json}\n"
        FILE.write_text(text.replace(":80", f"127.0.0.1:{port}") + access)
        notified = Path(f"/run/weir-test-{os.getpid()}")
        manager = Manager(notified)
        watchdog = int(unit["WatchdogSec"].removesuffix("s")) * 1_000_000
        # A container may have fewer to give than the unit asks for.
        most = min(int(unit["LimitNOFILE"]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        proxy = Weir(
            {}, tmp_path, descriptors=most, prefix=unit.prefix(),
            executable=shlex.split(unit["ExecStart"]),
            environment=manager.environment(WATCHDOG_USEC=str(watchdog)),
        )
        try:
            assert f"127.0.0.1:{port}" in manager.told("READY")["STATUS"]
            user = pwd.getpwnam(unit["User"]).pw_uid
            assert Path(f"/proc/{proxy.pid}").stat().st_uid == user
            url = f"http://127.0.0.1:{port}/"
            assert run("curl", "-sS", url).stdout.startswith("Weir serves here.")
            assert "listener" in run("/usr/bin/weir", "status").stdout.lower()
            assert proxy.access(1, path="/var/log/weir/access.json")
            self.reload(unit, proxy, manager)
            assert run("curl", "-sS", url).stdout == "By another file.\n"
            proxy.signal(signal.SIGTERM)
            manager.told("STOPPING")
            assert proxy.wait() == 0
        finally:
            proxy.kill()
            manager.close()
            notified.unlink()


    def reload(self, unit, proxy, manager):
        """What `systemctl reload weir` does, with a bad file and then with a good one."""

        def run_all():
            for command in unit.values["ExecReload"]:
                words = shlex.split(command.replace("$MAINPID", str(proxy.pid)))
                done = run(*unit.prefix(), *words, check=False)
                if done.returncode:
                    return done
            return done

        good = FILE.read_text()
        FILE.write_text(good + "lsten: 1\n")
        done = run_all()
        assert done.returncode == 1 and "unknown-key" in done.stderr
        FILE.write_text(re.sub(r'body: ".*?"', 'body: "By another file.\\\\n"', good))
        assert run_all().returncode == 0
        assert "MONOTONIC_USEC" in manager.told("RELOADING")
        manager.told("READY", 2)


def test_make_install(tmp_path):
    """Everything below DESTDIR and PREFIX, and the unit names the program there."""
    command = ["make", "install", f"WEIR={binary()[0]}", f"DESTDIR={tmp_path}", "PREFIX=/opt/weir"]
    run(*command, cwd=ROOT)
    found = {
        str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()
    }
    assert found == {
        "etc/weir/weir.yaml", "opt/weir/bin/weir", "opt/weir/lib/sysusers.d/weir.conf",
        "opt/weir/lib/systemd/system/weir.service", "opt/weir/share/man/man1/weir.1",
        "opt/weir/share/bash-completion/completions/weir",
        "opt/weir/share/fish/vendor_completions.d/weir.fish",
        "opt/weir/share/zsh/site-functions/_weir",
    }
    unit = (tmp_path / "opt/weir/lib/systemd/system/weir.service").read_text()
    assert "ExecStart=/opt/weir/bin/weir run /etc/weir/weir.yaml\n" in unit and "@" not in re.sub(
        r"[~=]@[a-z-]+", "", unit
    )
    # What is configured already stays.
    (tmp_path / "etc/weir/weir.yaml").write_text("# mine\n")
    run(*command, cwd=ROOT)
    assert (tmp_path / "etc/weir/weir.yaml").read_text() == "# mine\n"


class TestEnd:
    """Of what is installed, and in this order."""

    def test_a_second_installation_finds_things_as_they_are(self, installed, package):
        FILE.write_text(FILE.read_text() + "# changed\n")
        user = pwd.getpwnam("weir").pw_uid
        run(*DPKG, "--install", "--force-confdef", package)
        assert FILE.read_text().endswith("# changed\n") and pwd.getpwnam("weir").pw_uid == user

    def test_remove_keeps_the_file_and_purge_keeps_nothing(self, installed):
        Unit().make_folders()
        assert all(Path(one).exists() for one in [*OWN, *KEPT])
        pwd.getpwnam("weir")
        run(*DPKG, "--remove", "weir")
        assert not [one for one in OWN if Path(one).exists()]
        assert all(Path(one).exists() for one in KEPT)
        run(*DPKG, "--purge", "weir")
        left = [one for one in [*KEPT, *MADE, FILE.parent] if Path(one).exists()]
        assert not left and not is_installed()
        for names in ["passwd", "group"]:
            assert run("getent", names, "weir", check=False).returncode == 2, names
