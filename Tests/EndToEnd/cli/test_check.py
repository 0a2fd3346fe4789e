"""`weir check`: every mistake, its place, its remedy; and what its options change."""

import json
import os
import re
import subprocess

import pytest

from harness import binary

DIAGNOSTIC = re.compile(r"(.+):(\d+):(\d+): (error|warning): (.+) \[([a-z0-9-]+)\]")


def run(*arguments, folder=None, **options):
    return subprocess.run(
        [*binary(), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=folder,
        **options,
    )


def written(folder, text, name="weir.yaml"):
    file = folder / name
    file.write_text(text)
    return file


# A type (a duration without its unit), an unknown key, and a reference to a pool that is not there.
THREE = """\
listen: ":8080"
shutdown-timeout: 25
routes:
  - match: /api/
    pool: apl
pools:
  api:
    servers: ["127.0.0.1:9001"]
    blance: round-robin
"""
GOOD = 'listen: "127.0.0.1:8080"\nservers: ["127.0.0.1:9001"]\n'
STICKY = """\
listen: "127.0.0.1:8080"
pools:
  main:
    servers: ["127.0.0.1:9001", {address: "127.0.0.1:9002", priority: 1, state: drain}]
    sticky: {header: X-Server}
    slow-start: 0s
    panic-threshold: 0.5%
    spill-below: 100%
"""
WARNED = """\
listen: "127.0.0.1:8080"
routes:
  - {match: /a/, respond: 200}
  - {match: /a/b/, respond: 404}
  - pool: main
pools:
  main: ["127.0.0.1:9001"]
"""


def test_three_mistakes_of_different_stages(tmp_path):
    file = written(tmp_path, THREE)
    done = run("check", file)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    found = [match.groups() for line in lines if (match := DIAGNOSTIC.fullmatch(line))]
    places = [(path, int(line), kind) for path, line, _, kind, _, _ in found]
    assert places == [(str(file), 2, "error"), (str(file), 5, "error"), (str(file), 9, "error")]
    columns = [int(column) for _, _, column, _, _, _ in found]
    assert columns == [19, 11, 5]
    assert len({identifier for *_, identifier in found}) == 3
    source = THREE.splitlines()
    for (_, number, column, *_), remedy in zip(found, ["25s", "api", "balance"], strict=True):
        at = lines.index(next(x for x in lines if x.startswith(f"{file}:{number}:")))
        shown, caret = lines[at + 1 : at + 3]
        assert shown.endswith(source[int(number) - 1]), shown
        assert caret.index("^") == shown.index("|") + 1 + int(column), caret
        assert remedy in caret, f"no remedy: {caret}"
    assert lines[-1] == "3 errors"


def test_a_good_file(tmp_path):
    done = run("check", written(tmp_path, GOOD))
    assert (done.returncode, done.stderr) == (0, "")
    assert "no mistakes found" in done.stdout


def test_names_are_as_they_were_given(tmp_path):
    written(tmp_path, THREE)
    done = run("check", "weir.yaml", folder=tmp_path)
    assert done.stderr.startswith("weir.yaml:2:19: error:"), done.stderr


@pytest.mark.parametrize(
    "make", [lambda folder: folder / "none.yaml", lambda folder: folder], ids=["none", "folder"]
)
def test_a_file_that_cannot_be_read(tmp_path, make):
    done = run("check", make(tmp_path))
    assert done.returncode == 1 and str(make(tmp_path)) in done.stderr


def test_a_good_file_is_told_its_memory(tmp_path):
    done = run("check", written(tmp_path, GOOD))
    assert re.fullmatch(
        r"memory: 128 B for pool \"main\"; up to 256 KiB for each request under way",
        done.stdout.splitlines()[-1],
    )
    assert "under way" not in run("check", "--effective", written(tmp_path, GOOD)).stdout
    assert "under way" not in run("check", written(tmp_path, THREE)).stdout


def test_hash_tables_are_counted(tmp_path):
    def total(size):
        pool = f"{{strategy: consistent-hash, table-size: {size}}}"
        text = 'listen: ":1"\npools: {m: {servers: ["127.0.0.1:1"], balance: ' + pool + "}}\n"
        done = run("check", "--json", written(tmp_path, text))
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)["memory"]["pools"]["m"]

    # Two bytes an entry: there are fewer than 65,536 servers.
    assert total(655373) - total(65537) == 2 * (655373 - 65537)


BALANCED = """\
listen: "127.0.0.1:8080"
pools:
  main:
    servers: ["127.0.0.1:9001", {address: "127.0.0.1:9002", priority: 1, state: drain}]
    balance: {strategy: round-robin, decay: 5s}
    sticky: {cookie: a, header: x-a, secret-file: none.secret}
    slow-start: 10
    panic-threshold: 10
    spill-below: 0%
"""


def test_each_new_key_has_its_own_words(tmp_path):
    done = run("check", "--json", written(tmp_path, BALANCED))
    assert done.returncode == 1
    found = [(one["line"], one["id"]) for one in json.loads(done.stdout)["diagnostics"]]
    assert found == [
        (5, "strategy-key"),
        (6, "conflict"),
        (6, "file"),
        (7, "unit"),
        (8, "unit"),
        (9, "range"),
    ]
    assert "memory" not in json.loads(done.stdout)


def test_a_secret_is_read(tmp_path):
    text = GOOD.replace("servers", "pools: {main: {sticky: {secret-file: s}, servers") + "}}\n"
    text = text.replace("]\n}}", "]}}")
    (tmp_path / "s").write_bytes(b"x" * 15)
    done = run("check", written(tmp_path, text))
    assert done.returncode == 1 and "s has 15 bytes [secret]" in done.stderr
    (tmp_path / "s").write_bytes(b"x" * 16)
    assert run("check", written(tmp_path, text)).returncode == 0
    (tmp_path / "s").unlink()
    assert run("check", written(tmp_path, text)).returncode == 1
    done = run("check", "--no-files", written(tmp_path, text))
    assert done.returncode == 0 and "warning" in done.stderr


class TestJSON:
    def test_says_the_same(self, tmp_path):
        file = written(tmp_path, THREE)
        done = run("check", "--json", file)
        assert done.returncode == 1 and not done.stderr
        entries = json.loads(done.stdout)
        entries = entries["diagnostics"] if isinstance(entries, dict) else entries
        assert [(one["line"], one["column"]) for one in entries] == [(2, 19), (5, 11), (9, 5)]
        plain = run("check", file).stderr
        for one in entries:
            assert one["severity"] == "error" and one["file"] == str(file)
            assert one["message"] in plain and f"[{one['id']}]" in plain
            assert one["remedy"] in plain

    def test_of_a_good_file(self, tmp_path):
        done = run("check", "--json", written(tmp_path, GOOD))
        assert done.returncode == 0
        data = json.loads(done.stdout)
        assert not (data["diagnostics"] if isinstance(data, dict) else data)


class TestStrict:
    def test_a_warning_alone_is_no_failure(self, tmp_path):
        file = written(tmp_path, WARNED)
        done = run("check", file)
        assert done.returncode == 0
        assert ":4:" in done.stderr and "warning" in done.stderr
        assert done.stderr.splitlines()[-1] == "1 warning"

    def test_with_it_warnings_fail(self, tmp_path):
        done = run("check", "--strict", written(tmp_path, WARNED))
        assert done.returncode == 1 and "unreachable-route" in done.stderr
        assert run("check", "--strict", written(tmp_path, GOOD)).returncode == 0


class TestEffective:
    @pytest.mark.parametrize("text", [GOOD, WARNED, STICKY])
    def test_it_means_the_same_again(self, tmp_path, text):
        once = run("check", "--effective", written(tmp_path, text))
        assert once.returncode == 0
        twice = run("check", "--effective", written(tmp_path, once.stdout, "again.yaml"))
        assert twice.returncode == 0 and twice.stdout == once.stdout

    def test_it_is_part_of_the_json(self, tmp_path):
        file = written(tmp_path, WARNED)
        data = json.loads(run("check", "--json", "--effective", file).stdout)
        assert data["effective"] == run("check", "--effective", file).stdout
        assert data["warnings"] == 1
        assert "effective" not in json.loads(run("check", "--json", file).stdout)

    def test_it_shows_short_forms_and_defaults(self, tmp_path):
        shown = run("check", "--effective", written(tmp_path, GOOD)).stdout
        for text in ["listeners:", "pools:", "main:", "keep-alive:", "75s", "max-idle:", "16KiB"]:
            assert text in shown

    def test_a_bad_file_has_none(self, tmp_path):
        done = run("check", "--effective", written(tmp_path, THREE))
        assert done.returncode == 1 and not done.stdout


class TestFiles:
    TEXT = 'listen: ":8080"\nroutes:\n  - respond: {file: sorry.html}\n'

    def test_a_missing_file_is_an_error(self, tmp_path):
        done = run("check", written(tmp_path, self.TEXT))
        assert done.returncode == 1
        assert ":3:21: error:" in done.stderr and "no such file" in done.stderr

    def test_with_no_files_it_is_a_warning(self, tmp_path):
        done = run("check", "--no-files", written(tmp_path, self.TEXT))
        assert done.returncode == 0 and ":3:21: warning:" in done.stderr

    def test_a_file_that_is_there(self, tmp_path):
        (tmp_path / "sorry.html").write_text("x")
        assert run("check", written(tmp_path, self.TEXT)).returncode == 0

    def test_a_log_whose_folder_is_not_there_is_told_of_with_its_place(self, tmp_path):
        text = 'listen: "127.0.0.1:0"\nlog: {to: missing/weir.log}\nroutes: [{respond: 404}]\n'
        file = written(tmp_path, text)
        done = run("check", file)
        assert done.returncode == 0 and ":2:11: warning: Weir cannot write" in done.stderr
        assert run("check", "--no-files", file).stderr == ""
        done = run("run", file)
        assert done.returncode == 1 and ":2:11: warning:" in done.stderr
        assert f"cannot open {tmp_path}/missing/weir.log" in done.stderr
        (tmp_path / "missing").mkdir()
        assert run("check", "--strict", file).returncode == 0


class TestUser:
    def test_files_are_read_with_the_rights_of_the_user(self, tmp_path):
        for folder in [tmp_path, *list(tmp_path.parents)[:-2]]:
            folder.chmod(folder.stat().st_mode | 0o055)
        file = written(tmp_path, TestFiles.TEXT)
        file.chmod(0o644)
        (tmp_path / "sorry.html").write_text("x")
        (tmp_path / "sorry.html").chmod(0o600)
        # A process that changed its user may not be searched for leaks.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        done = run("check", "--user", "nobody", file, env=environment)
        assert done.returncode == 1
        if os.geteuid() == 0:
            assert "permission denied" in done.stderr
            (tmp_path / "sorry.html").chmod(0o644)
            done = run("check", "--user", "nobody", file, env=environment)
            assert done.returncode == 0
        else:
            assert "cannot read files as nobody" in done.stderr

    def test_one_that_does_not_exist(self, tmp_path):
        done = run("check", "--user", "no-such-user", written(tmp_path, GOOD))
        assert done.returncode == 1 and "no such user" in done.stderr
