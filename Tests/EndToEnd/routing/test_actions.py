"""`respond` and `redirect`: answers made here."""

import pytest

from harness.setups import LOGGED

ROUTES = [
    {"match": "=/empty", "respond": {"status": 204}},
    {"match": "=/gone", "respond": 410},
    {"match": "=/text", "respond": {"body": "hello {client.address} {method} {host} {path}\n"}},
    {"match": "=/json", "respond": {"body": '{"a": "{query}"}', "headers": {"x-mine": "{path}"}}},
    {"match": "=/braces", "respond": {"body": "{{x}"}},
    {"match": "=/header", "respond": {"body": "{header.x-name}"}},
    {"match": "=/file", "respond": {"status": 503, "file": "sorry.html"}},
    {"match": "old.test", "redirect": {"to": "https://new.test", "status": 308}},
    {"match": "short.test", "redirect": "https://new.test"},
    {"match": "fixed.test", "redirect": {"to": "https://new.test/landing", "status": 301}},
    {"match": "template.test", "redirect": {"to": "https://{host}{uri}", "status": 307}},
]


@pytest.fixture(scope="module")
def proxy(shared_weir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "sorry.html").write_text("<p>sorry</p>")
    routes = [dict(route) for route in ROUTES]
    routes[6]["respond"] = {"status": 503, "file": str(folder / "sorry.html")}
    return shared_weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})


def test_status_alone(proxy):
    assert proxy.ask(target="/gone").status == 410
    response = proxy.ask(target="/empty")
    assert response.status == 204 and not response.has("content-length") and not response.chunked


def test_body_with_variables(proxy):
    response = proxy.ask(target="/text?x", host="a.test")
    assert response.status == 200 and response.text == "hello 127.0.0.1 GET a.test /text\n"
    assert response.get("content-length") == str(len(response.body))


def test_json_needs_no_care(proxy):
    response = proxy.ask(target="/json?b=c")
    assert response.text == '{"a": "b=c"}' and response.get("x-mine") == "/json"


def test_doubled_brace(proxy):
    assert proxy.ask(target="/braces").text == "{x}"


def test_values_are_no_templates(proxy):
    response = proxy.ask(target="/header", fields=[("X-Name", "{client.address}")])
    assert response.text == "{client.address}"


def test_file(proxy):
    response = proxy.ask(target="/file")
    assert (response.status, response.text) == (503, "<p>sorry</p>")
    assert response.get("content-type").startswith("text/html")


def test_head_of_an_own_answer(proxy):
    client = proxy.client()
    response = client.ask("HEAD", "/text")
    assert response.status == 200 and not response.body
    assert client.ask(target="/gone").status == 410, "the connection is kept and in step"


@pytest.mark.parametrize(
    ("host", "target", "status", "location"),
    [
        ("old.test", "/a/b?c=d", 308, "https://new.test/a/b?c=d"),
        ("old.test", "/", 308, "https://new.test/"),
        ("short.test", "/x?y", 302, "https://new.test/x?y"),
        ("fixed.test", "/x?y", 301, "https://new.test/landing"),
        ("template.test", "/x?y", 307, "https://template.test/x?y"),
    ],
)
def test_redirect(proxy, host, target, status, location):
    response = proxy.ask(target=target, host=host)
    assert (response.status, response.get("location")) == (status, location)


def test_body_of_the_request_is_read_past(proxy):
    """The next request on the connection is not taken out of the body."""
    client = proxy.client()
    for body in [b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n", [b"x" * 5000] * 10]:
        assert client.ask("POST", "/text", body=body).status == 200
    assert client.ask(target="/gone").status == 410


def test_own_answers_are_ok_in_the_log(weir):
    routes = [{"match": "=/text", "name": "greeting", "respond": {"body": "x"}}]
    proxy = weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})
    assert proxy.ask(target="/text").status == 200
    line = proxy.access()[0]
    assert (line["status"], line["outcome"], line["route"]) == (200, "ok", "greeting")


def test_routes_can_stay_out_of_the_log(weir):
    routes = [
        {"match": "=/quiet", "respond": 200, "access-log": False},
        {"match": "=/loud", "respond": 200},
    ]
    proxy = weir({"listen": "127.0.0.1:0", "routes": routes, **LOGGED})
    assert proxy.ask(target="/quiet").status == 200
    assert proxy.ask(target="/loud").status == 200
    assert [line["path"] for line in proxy.access()] == ["/loud"]
