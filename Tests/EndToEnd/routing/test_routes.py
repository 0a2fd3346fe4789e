"""Routes: the first one that matches a host and a normalised path wins."""

import json

import pytest

from harness.checks import assert_own_answer
from harness.setups import LOGGED

POOLS = ["exact", "wild", "both", "deep", "paths", "only", "post", "rest"]
ROUTES = [
    {"match": {"host": "api.example.test", "path": "/v1/deep"}, "pool": "deep"},
    {"match": {"host": "api.example.test"}, "pool": "exact"},
    {"match": {"host": "*.wild.test"}, "pool": "wild"},
    {"match": {"host": ".both.test"}, "pool": "both"},
    {"match": [{"path": "/p/"}, {"path": "/q"}], "pool": "paths"},
    {"match": {"path": "=/only"}, "pool": "only"},
    {"match": {"path": "/form", "method": ["POST", "GET"]}, "pool": "post"},
    {"match": {"host": "rest.test"}, "pool": "rest"},
]

# (host, target, pool or None for 404)
ROWS = [
    ("api.example.test", "/", "exact"),
    ("API.Example.TEST", "/", "exact"),
    ("api.example.test:8080", "/", "exact"),
    ("api.example.test.", "/", "exact"),
    ("api.example.test.:80", "/", "exact"),
    ("xapi.example.test", "/", None),
    ("api.example.test.evil", "/", None),
    ("example.test", "/", None),
    ("api.example.test", "/v1/deep", "deep"),
    ("api.example.test", "/v1/deep/", "deep"),
    ("api.example.test", "/v1/deep/er?x", "deep"),
    ("api.example.test", "/v1/deeper", "exact"),
    ("api.example.test", "/v1/deep?q=/x", "deep"),
    ("api.example.test", "/V1/deep", "exact"),
    ("api.example.test", "//v1//deep", "deep"),
    ("api.example.test", "/v1/./deep", "deep"),
    ("api.example.test", "/v1/x/../deep", "deep"),
    ("api.example.test", "/v1/%64eep", "deep"),
    ("api.example.test", "/%2e/v1/deep", "deep"),
    ("api.example.test", "/../v1/deep", "deep"),
    ("api.example.test", "/v1/deep/..", "exact"),
    ("api.example.test", "/v1/deep/../x", "exact"),
    ("api.example.test", "/v1%2fdeep", "exact"),
    ("a.wild.test", "/", "wild"),
    ("a.b.wild.test", "/", "wild"),
    ("wild.test", "/", None),
    ("xwild.test", "/", None),
    ("both.test", "/", "both"),
    ("a.both.test", "/", "both"),
    ("xboth.test", "/", None),
    ("any.test", "/p", "paths"),
    ("any.test", "/p/", "paths"),
    ("any.test", "/p/x", "paths"),
    ("any.test", "/px", None),
    ("any.test", "/q", "paths"),
    ("any.test", "/q/", "paths"),
    ("any.test", "/only", "only"),
    ("any.test", "/only?x=1", "only"),
    ("any.test", "/only/", None),
    ("any.test", "/form", "post"),
    ("any.test", "/x", None),
    ("rest.test", "/x", "rest"),
]


@pytest.fixture(scope="module")
def proxy(shared_weir, shared_backend):
    pools = {name: [shared_backend(name=name).address] for name in POOLS}
    return shared_weir({"listen": "127.0.0.1:0", "routes": ROUTES, "pools": pools})


def pool_of(response):
    return json.loads(response.body)["backend"] if response.status == 200 else None


@pytest.mark.parametrize(("host", "target", "pool"), ROWS)
def test_route(proxy, host, target, pool):
    response = proxy.ask(target=target, host=host)
    assert pool_of(response) == pool
    if pool is None:
        assert_own_answer(response, 404, "no-route")


@pytest.mark.parametrize(
    ("method", "pool"), [("GET", "post"), ("HEAD", "post"), ("POST", "post"), ("PUT", None)]
)
def test_method(proxy, method, pool):
    response = proxy.ask(method, "/form", host="any.test")
    assert response.status == (200 if pool else 404)


def test_no_route_keeps_the_connection(proxy):
    client = proxy.client()
    assert client.ask(target="/x", host="any.test").status == 404
    assert client.ask(target="/p", host="any.test").status == 200


def test_absolute_target_names_the_host(proxy):
    response = proxy.ask(target="http://api.example.test/", host="a.wild.test")
    assert pool_of(response) == "exact"


def test_old_client_without_a_host(proxy):
    assert pool_of(proxy.ask(target="/p/", host=None, version="1.0")) == "paths"


def test_order_is_the_order_of_the_file(weir, backend):
    first, second = backend(name="first"), backend(name="second")
    proxy = weir(
        {
            "listen": "127.0.0.1:0",
            "routes": [{"match": "/a", "pool": "first"}, {"match": "/a/b", "pool": "second"}],
            "pools": {"first": [first.address], "second": [second.address]},
        }
    )
    assert pool_of(proxy.ask(target="/a/b")) == "first"


def test_many_hosts(weir, backend):
    routes = [
        {"match": f"host-{n}.test", "respond": {"status": 200, "body": f"{n}"}} for n in range(2000)
    ]
    proxy = weir({"listen": "127.0.0.1:0", "routes": routes})
    client = proxy.client()
    for number in range(0, 2000, 37):
        assert client.ask(host=f"host-{number}.test").text == str(number)
    assert client.ask(host="host-2000.test").status == 404


def test_each_listener_serves_the_same_routes(weir, backend):
    config = {
        "listeners": [
            {"address": "127.0.0.1:0", "name": "one"},
            {"address": "127.0.0.1:0", "name": "two"},
        ],
        "servers": [backend().address],
        **LOGGED,
    }
    proxy = weir(config, listeners=2)
    assert [proxy.client(n).ask().status for n in range(2)] == [200, 200]
    assert {line["route"] for line in proxy.access(2)} == {proxy.access(2)[0]["route"]}
