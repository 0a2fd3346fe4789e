"""A thread of a process that is kept from running."""

import ctypes
import os
from pathlib import Path

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # also what is no child


class Held:
    """One thread of a process that does not run; the others go on."""

    def __init__(self, process, name):
        tasks = Path(f"/proc/{process}/task").iterdir()
        found = [task.name for task in tasks if (task / "comm").read_text().strip() == name]
        self.thread = int(found[0])
        self._call(PTRACE_SEIZE)
        self._call(PTRACE_INTERRUPT)
        os.waitpid(self.thread, WALL)

    def _call(self, request):
        library = ctypes.CDLL(None, use_errno=True)
        library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        library.ptrace.restype = ctypes.c_long
        assert library.ptrace(request, self.thread, None, None) == 0, os.strerror(
            ctypes.get_errno()
        )

    def release(self):
        """Lets it run again."""
        self._call(PTRACE_DETACH)

    def bury(self):
        """Waits for its end, which its process waits for."""
        os.waitpid(self.thread, WALL)
