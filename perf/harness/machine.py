"""Processes started here, the CPU time they take, and the machine they run on."""

import ctypes
import os
import platform
import resource
import signal
import socket
import subprocess
import time

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def raise_descriptor_limit(wanted=65536):
    """Raises this process's limit, which everything started here inherits. Returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = hard
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (ValueError, OSError):
            pass
    limit = min(hard, wanted)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return limit


def free_port():
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _stat_fields(pid):
    """The fields of /proc/PID/stat from `state` on, or None once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _start_time(pid):
    fields = _stat_fields(pid)
    return fields[19] if fields and fields[0] != b"Z" else None


def descendants(root):
    """The process and all that it started, as pids."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat_fields(name)
            if fields:
                children.setdefault(int(fields[1]), []).append(int(name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


class Process:
    """A child pinned to one CPU. It and its own children end with `stop`."""

    def __init__(self, arguments, cpu, environment=None, log=None, pipe=False):
        self.log = log

        def prepare():
            os.sched_setaffinity(0, {cpu})
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

        output = open(log, "ab") if log else subprocess.DEVNULL
        try:
            self.popen = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else output,
                stderr=output if log else None,
                env={**os.environ, **(environment or {})},
                preexec_fn=prepare,
            )
        finally:
            if log:
                output.close()
        self.pid = self.popen.pid
        self.known = {}
        self.pids()

    def pids(self):
        """This process and its descendants, remembered until `stop`.

        Descendants stay among them when the process between them and this one has gone.
        """
        for root in [self.pid, *self.known]:
            if root == self.pid or self._is_there(root):
                for pid in descendants(root):
                    self.known.setdefault(pid, _start_time(pid))
        return [pid for pid in self.known if self._is_there(pid)]

    def adopt(self, pid):
        """Takes a process that has left those who started it for one of this one's."""
        self.known.setdefault(pid, _start_time(pid))
        self.pids()

    def _is_there(self, pid):
        started = self.known[pid]
        return started is not None and _start_time(pid) == started

    def running(self):
        return self.popen.poll() is None

    def stop(self, patience=8.0):
        """Asks it to end, waits, and ends by force what is left of it."""
        self.pids()
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(patience)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pid in self.known:
            if pid != self.pid and self._is_there(pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        if self.popen.stdout:
            self.popen.stdout.close()

    def log_text(self):
        if not self.log:
            return ""
        with open(self.log, errors="replace") as file:
            return file.read()[-2000:]


class ProcessorTime:
    """Nanoseconds that a set of processes ran, from the schedstat file of each thread.

    A thread that ended since the last reading has taken its file along: then the process's CPU
    clock counts, which includes ended threads.
    """

    def __init__(self, pids):
        self._pids = pids
        self._threads = {pid: self._read(pid) for pid in pids}
        self._clocks = {pid: self._clock(pid) for pid in pids}

    def since(self, earlier):
        """Nanoseconds since an earlier reading of the same processes."""
        total = 0
        for pid in self._pids:
            before, now = earlier._threads[pid], self._threads[pid]
            if set(before) - set(now):
                total += self._clocks[pid] - earlier._clocks[pid]
            else:
                total += sum(time - before.get(thread, 0) for thread, time in now.items())
        return total

    @staticmethod
    def _read(pid):
        times = {}
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                    times[thread] = int(file.read().split()[0])
            except OSError:
                pass
        return times

    @staticmethod
    def _clock(pid):
        scheduler_clock = 2
        return time.clock_gettime_ns((~pid << 3) | scheduler_clock)


def busy_nanoseconds(cpu):
    """What a CPU worked in all, time stolen by the hypervisor included."""
    with open("/proc/stat") as file:
        for line in file:
            if line.startswith(f"cpu{cpu} "):
                user, nice, system, _, _, irq, softirq, steal = map(int, line.split()[1:9])
                ticks = user + nice + system + irq + softirq + steal
                return ticks * 1_000_000_000 // _TICKS
    raise OSError(f"/proc/stat has no cpu{cpu}")


def resident_bytes(pids):
    """Resident memory of the processes, summed."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm") as file:
            total += int(file.read().split()[1]) * _PAGE
    return total


def describe():
    """Kernel and CPU in one line each."""
    model = platform.processor() or platform.machine()
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": f"{model}, {os.cpu_count()} CPUs",
    }
