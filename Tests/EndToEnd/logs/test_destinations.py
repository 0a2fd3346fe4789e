"""Where log lines go, which are written, and that traffic never waits for them."""

import json
import os
import signal
import time

import pytest

from harness import answer, eventually, fixed, scaled
from harness.admin import Admin
from harness.setups import LOGGED, single


def access(**keys):
    return {"log": {"access": {"to": "stdout", **keys}}}


def paths(proxy, count):
    return [line["path"] for line in proxy.access(count)]


class TestFiles:
    def test_lines_go_to_the_file(self, weir, backend, tmp_path):
        path = tmp_path / "access.json"
        proxy = weir(single(backend(), log={"access": str(path)}))
        assert proxy.ask(target="/x").status == 200
        assert proxy.access(1, path=path)[0]["path"] == "/x"
        assert not proxy.output

    def test_a_file_that_is_there_is_appended_to(self, weir, backend, tmp_path):
        path = tmp_path / "access.json"
        path.write_text('{"path": "/old"}\n')
        proxy = weir(single(backend(), log={"access": str(path)}))
        proxy.ask(target="/new")
        assert [line["path"] for line in proxy.access(2, path=path)] == ["/old", "/new"]

    def test_a_relative_name_starts_at_the_files_folder(self, weir, backend):
        proxy = weir(single(backend(), log={"access": "logs.json"}))
        proxy.ask(target="/x")
        assert proxy.access(1, path=proxy.folder / "logs.json")

    def test_sigusr1_opens_it_again(self, weir, backend, tmp_path):
        path, rotated = tmp_path / "access.json", tmp_path / "access.json.1"
        proxy = weir(single(backend(), log={"access": str(path)}))
        client = proxy.client()
        client.ask(target="/before")
        proxy.access(1, path=path)
        path.rename(rotated)
        client.ask(target="/renamed")
        assert proxy.access(2, path=rotated)[1]["path"] == "/renamed"
        proxy.signal(signal.SIGUSR1)
        eventually(path.exists, "the file to be opened again")
        client.ask(target="/after")
        assert proxy.access(1, path=path)[0]["path"] == "/after"
        assert len(proxy.access(2, path=rotated)) == 2

    def test_sigusr1_loses_no_line(self, weir, backend, tmp_path):
        path = tmp_path / "access.json"
        proxy = weir(single(backend(), log={"access": str(path)}))
        client, files = proxy.client(), [path]
        for turn in range(5):
            for number in range(50):
                client.ask(target=f"/{turn * 50 + number}")
            files.append(tmp_path / f"access.{turn}")
            path.rename(files[-1])
            proxy.signal(signal.SIGUSR1)
            eventually(path.exists, "the file to be opened again")
        proxy.stop()
        lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        assert sorted(int(line["path"][1:]) for line in lines) == list(range(250))

    def test_lines_that_wait_are_written_at_the_end(self, weir, backend, tmp_path):
        path = tmp_path / "access.json"
        proxy = weir(single(backend(), log={"access": str(path)}))
        for number in range(20):
            proxy.ask(target=f"/{number}")
        proxy.stop()
        assert len(path.read_text().splitlines()) == 20


class TestWhatCannotBeWritten:
    def said(self, proxy, text):
        eventually(lambda: any(text in line for line in list(proxy.lines)), text)

    def test_lines_that_a_full_disk_does_not_take_are_counted(self, weir, backend):
        log = {"access": "/dev/full"}
        proxy = weir(single(backend(), log=log, admin="127.0.0.1:0"))
        for _ in range(3):
            assert proxy.ask().status == 200
        name = 'weir_log_lines_dropped_total{reason="unwritten"}'
        admin = Admin(proxy)
        eventually(lambda: admin.metrics()[name] == 3, "three lost lines")
        self.said(proxy, "cannot write /dev/full: no space left on device: lines are lost")

    def test_weirs_own_log_may_be_full_too(self, weir, backend):
        proxy = weir(single(backend(), log={"to": "/dev/full"}), listeners=0)
        self.said(proxy, "cannot write /dev/full: no space left on device: lines are lost")

    def test_a_file_that_cannot_be_opened_again_is_written_on(self, weir, backend, tmp_path):
        folder, moved = tmp_path / "logs", tmp_path / "moved"
        folder.mkdir()
        proxy = weir(single(backend(), log={"access": str(folder / "access.json")}))
        proxy.ask(target="/before")
        proxy.access(1, path=folder / "access.json")
        folder.rename(moved)
        proxy.signal(signal.SIGUSR1)
        self.said(proxy, f"cannot open {folder}/access.json: no such file or directory: lines go on")
        proxy.ask(target="/after")
        assert proxy.access(2, path=moved / "access.json")[1]["path"] == "/after"


class TestWhatIsWritten:
    def test_none_unless_asked_for(self, weir, backend):
        proxy = weir(single(backend()))
        assert proxy.ask().status == 200
        proxy.stop()
        assert not proxy.output

    def test_a_route_may_be_left_out(self, weir):
        routes = [
            {"match": "=/health", "respond": 200, "access-log": False},
            {"respond": {"status": 200, "body": "x"}},
        ]
        proxy = weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})
        client = proxy.client()
        for target in ["/a", "/health", "/b", "/health", "/c"]:
            assert client.ask(target=target).status == 200
        proxy.stop()
        assert paths(proxy, 3) == ["/a", "/b", "/c"]
        assert len(proxy.output) == 3

    def test_a_forwarding_route_may_be_left_out(self, weir, backend):
        config = single(backend(), **LOGGED)
        config["routes"] = [
            {"match": "/quiet", "pool": "main", "access-log": False},
            {"pool": "main"},
        ]
        proxy = weir(config)
        client = proxy.client()
        for target in ["/quiet", "/loud", "/quiet/x"]:
            assert client.ask(target=target).status == 200
        proxy.stop()
        assert paths(proxy, 1) == ["/loud"] and len(proxy.output) == 1

    def test_only_errors(self, weir, backend):
        def script(connection):
            while (request := connection.request()) is not None:
                connection.answer(int(request.target[1:]))

        proxy = weir(single(backend(script), **access(only="errors")))
        client = proxy.client()
        for status in [200, 404, 500, 204, 503, 301]:
            client.ask(target=f"/{status}")
        bad = proxy.client()
        bad.send("BAD\r\n\r\n")
        bad.response()
        proxy.stop()
        assert sorted(line["status"] for line in proxy.access(3)) == [400, 500, 503]
        assert len(proxy.output) == 3

    def test_a_sample(self, weir, backend):
        proxy = weir(single(backend(fixed(answer(body=b"x"))), **access(sample="25%")))
        client = proxy.client()
        for number in range(2000):
            client.ask(target=f"/{number}")
        proxy.stop()
        # Ten standard deviations (19.4) to either side of 500.
        assert 300 < len(proxy.output) < 700

    def test_a_sample_of_nothing_keeps_errors(self, weir, backend):
        def script(connection):
            while (request := connection.request()) is not None:
                connection.answer(500 if request.target == "/bad" else 200)

        proxy = weir(single(backend(script), **access(sample="0%")))
        client = proxy.client()
        for _ in range(50):
            client.ask(target="/good")
        client.ask(target="/bad")
        proxy.stop()
        assert paths(proxy, 1) == ["/bad"] and len(proxy.output) == 1


class TestOwnLog:
    def test_json(self, weir, backend):
        config = single(backend(), log={"format": "json"})
        proxy = weir(config, listeners=0)
        line = json.loads(eventually(lambda: proxy.lines, "a line")[0])
        assert line["level"] == "info" and "listening on" in line["message"]
        proxy.stop()

    def test_its_level(self, weir, backend):
        proxy = weir(single(backend(), log={"level": "error"}), listeners=0)
        time.sleep(scaled(0.5))
        proxy.stop()
        assert not proxy.lines

    def test_a_file(self, weir, backend, tmp_path):
        path = tmp_path / "weir.log"
        proxy = weir(single(backend(), log={"to": str(path)}), listeners=0)
        eventually(lambda: path.exists() and "listening on" in path.read_text(), "the line")
        proxy.stop()
        assert not proxy.lines


@pytest.mark.parametrize("kind", ["stdout", "fifo"])
def test_a_log_that_nobody_reads_stalls_no_request(weir, backend, tmp_path, kind):
    """The pipe is full long before the last request; lines are dropped, requests are not."""
    server = backend(fixed(answer(body=b"x")))
    fifo = tmp_path / "log.fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    config = single(server, log={"access": str(fifo)})
    if kind == "stdout":
        config["log"]["access"] = "stdout"
        proxy = weir(config, listeners=0, prefix=["sh", "-c", f'exec "$@" >{fifo}', "sh"])
        proxy.wait_until_listening()
    else:
        proxy = weir(config)
    client = proxy.client()
    slowest = 0
    for number in range(3000):
        start = time.monotonic()
        assert client.ask(target="/" + "x" * 4000).status == 200
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < scaled(2), f"a request waited {slowest:.2f} s for the log"
    client.close()
    start = time.monotonic()
    proxy.signal(signal.SIGTERM)
    assert proxy.wait(scaled(20)) == 0
    assert time.monotonic() - start < scaled(6), "a log that is stuck keeps it from ending"
    os.close(reader)
