"""What a hostile candidate or problem may try, as Python text that runs where it runs.

Each attack is the body of a function of `host`, what the attacker is assumed to know: {"home", "cwd", "ours": paths of
files with `KEY` or with our code, "target": a file of the host that it may write as the user, "parent", "sibling":
process numbers, "address", "length": where `KEY` lies in the parent's memory, "tcp", "udp": ports, "unix",
"abstract": addresses of sockets that somebody listens on, "shm": the number of a shared memory segment}. What it
returns is its booty; a wall makes it raise.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

KEY = "sk-planted-" + "7d1f"
"""Never written in one piece where an attack could find its own text."""

PRELUDE = """
import ctypes, errno, glob, os, resource, signal, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
KEY = ("sk-planted-", "7d1f")
def call(name, *arguments):
    result = getattr(libc, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def syscall(x86_64, aarch64, *arguments):
    return call("syscall", ctypes.c_long({"x86_64": x86_64, "aarch64": aarch64}[os.uname().machine]), *arguments)
def booty(data):
    if "".join(KEY).encode() in data:
        return "the key"
    raise ValueError("no key in it")
def read(path):
    with open(path, "rb") as file:
        return booty(file.read())
"""


@dataclass(frozen=True)
class Attack:
    """walls: each of these holds it alone (`namespaces`: with the file tree; `always`: a clean environment
    and the limits, which no machine lacks).

    open: whether it succeeds, and harmlessly, where there is no wall; what is not open is never tried there. roles: in
    which roles it makes sense. alone: it may leave something behind in its process, or take what others need, so that
    it has one of its own; the others may share one.
    """

    name: str
    body: str
    walls: frozenset[str]
    open: bool = True
    roles: tuple[str, ...] = ("tracer", "conformance", "compile", "cuda.reference")
    alone: bool = False

    @property
    def code(self) -> str:
        return f"{PRELUDE}\ndef attack(host):\n{indent(dedent(self.body).strip(), '    ')}\n"


N, L, S = "namespaces", "landlock", "seccomp"


def _attack(
    name: str, walls: str, body: str, open: bool = True, roles: tuple[str, ...] = Attack.roles, alone: bool = False
) -> Attack:
    names = {"N": N, "L": L, "S": S, "A": "always"}
    return Attack(name, body, frozenset(names[letter] for letter in walls), open, roles, alone)


def _flood(name: str, walls: str, body: str, open: bool = True, roles: tuple[str, ...] = Attack.roles) -> Attack:
    return _attack(name, walls, body, open, roles, alone=True)


ATTACKS = [
    # secrets
    _attack("key in the environment", "A", "return booty(repr(sorted(os.environ.items())).encode())", open=False),
    _attack("key in any /proc/*/environ", "NL", """
        error = FileNotFoundError("no /proc")
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                return read(path)
            except (OSError, ValueError) as found:
                error = found
        raise error
        """),
    _attack("key in the parent's memory, by /proc", "NL", """
        with open(f"/proc/{host['parent']}/mem", "rb") as memory:
            memory.seek(host["address"])
            return booty(memory.read(host["length"]))
        """),
    _attack("key in the parent's memory, by process_vm_readv", "NLS", """
        into = ctypes.create_string_buffer(host["length"])
        class Vector(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        mine = Vector(ctypes.addressof(into), host["length"])
        theirs = Vector(host["address"], host["length"])
        syscall(310, 270, ctypes.c_int(host["parent"]), ctypes.byref(mine), ctypes.c_ulong(1), ctypes.byref(theirs),
                ctypes.c_ulong(1), ctypes.c_ulong(0))
        return booty(into.raw)
        """),
    _attack("key among this process's objects and arguments", "A", """
        import gc
        held = [one for one in gc.get_objects() if isinstance(one, (list, tuple, dict))]
        return booty(repr((sys.argv, sys.orig_argv)).encode() + b"\\n".join(
            str(value).encode(errors="replace") for one in held
            for value in (one.values() if isinstance(one, dict) else one) if isinstance(value, (str, bytes))))
        """, open=False, alone=True),
    _attack("key in a file at home", "NL", "return read(host['home'])"),
    _attack("key in a file of the working directory", "NL", "return read(host['cwd'])"),
    _attack("the judge's own code", "NL", "return open(host['ours']).read(20)"),
    _attack("descriptors that were left open", "A", """
        import stat
        left = {fd: os.readlink(f"/proc/self/fd/{fd}") if os.path.exists("/proc/self/fd") else "?"
                for fd in range(3, 256) if libc.fcntl(fd, 1) >= 0 and not stat.S_ISSOCK(os.fstat(fd).st_mode)}
        if left:
            return repr(left)
        raise ValueError("only sockets")
        """, open=False, alone=True),
    # network
    _attack("TCP", "NLS", "socket.create_connection(('127.0.0.1', host['tcp']), 1); return 'connected'"),
    _attack("TCP, to listen", "LS", """
        server = socket.socket(); server.bind(("127.0.0.1", 0)); server.listen(); return "listens"
        """),
    _attack("UDP", "NS", "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', host['udp'])); return 'sent'"),
    _attack("unix socket with a path", "NS", """
        one = socket.socket(socket.AF_UNIX); one.connect(host["unix"]); return "connected"
        """, roles=("tracer", "conformance")),
    _attack("unix socket with a path, where helpers may need some", "N", """
        one = socket.socket(socket.AF_UNIX); one.connect(host["unix"]); return "connected"
        """, roles=("compile", "cuda.reference")),
    _attack("unix socket with an abstract name", "NL", """
        one = socket.socket(socket.AF_UNIX); one.connect("\\0" + host["abstract"]); return "connected"
        """),
    _attack("datagrams to a unix socket, by a pair's end", "S", """
        socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b"x", host["unix"]); return "sent"
        """, open=False, roles=("tracer", "conformance")),
    _attack("netlink: the machine's interfaces", "NS", """
        found = [name for _, name in socket.if_nameindex() if name != "lo"]
        if found:
            return repr(found)
        raise OSError(errno.ENODEV, "only lo")
        """),
    _attack("vsock", "S", "socket.socket(40, 1).close(); return 'made'", open=False),
    _attack("raw packets", "NS", "socket.socket(17, 3, 768).close(); return 'made'", open=False),
    _attack("io_uring", "S", """
        syscall(425, 425, 4, ctypes.create_string_buffer(120)); return "made"
        """, open=False),
    # files
    _attack("write to a file of the user", "NL", "open(host['target'], 'a').write('x'); return 'written'"),
    _attack("write beside the scratch directory", "NL", """
        path = os.path.join(os.path.dirname(host["target"]), "left")
        open(path, "w").close(); return "written"
        """),
    _attack("write to /dev/shm", "NL", """
        path = "/dev/shm/kernelfalcon-attack"
        open(path, "w").close(); os.unlink(path); return "written"
        """),
    _attack("change who may read a file", "NS", "os.chmod(host['target'], 0o644); return 'changed'",
            roles=("tracer", "conformance")),
    _attack("change a file's time", "NS", "os.utime(host['target'], (1, 1)); return 'changed'",
            roles=("tracer", "conformance")),
    _attack("delete a file", "NL", "os.unlink(host['target']); return 'deleted'", open=False),
    _attack("link to a file", "NL", "os.link(host['home'], 'mine'); return read('mine')", open=False, alone=True),
    _attack("symlink to a file", "NL", "os.symlink(host['home'], 'mine'); return read('mine')", alone=True),
    _attack("symlink to a folder", "NL", """
        os.symlink("/", "root"); return read("root" + host["home"])
        """, alone=True),
    _attack("remount", "NS", "call('mount', b'none', b'/', None, 0x1020, None); return 'remounted'", open=False),
    _attack("mount", "S", "call('mount', b'none', b'/', b'tmpfs', 0, None); return 'mounted'", open=False),
    _attack("unmount", "S", "call('umount2', os.getcwd().encode(), 2); return 'gone'", open=False),
    _attack("chroot", "S", "os.chroot('.'); return 'left'", open=False),
    _attack("namespaces of its own", "S", "call('unshare', 0x10000000); return 'made'", open=False),
    _attack("file by its handle", "NS", """
        handle = struct.pack("<IiII", 8, 1, 2, 0)
        fd = syscall(304, 265, -100, ctypes.create_string_buffer(handle, 128), os.O_RDONLY)
        return repr(os.listdir(fd))
        """, open=False),
    _attack("device of a disk", "NL", """
        os.mknod("disk", 0o60600, os.stat("/").st_dev); open("disk", "rb").read(1); return "read"
        """, open=False, alone=True),
    # processes
    _attack("see other processes", "NL", """
        if str(host["parent"]) in os.listdir("/proc"):
            return "seen"
        raise ProcessLookupError(3, "only its own")
        """),
    _attack("ptrace a sibling", "NLS", """
        call("ptrace", 0x4206, host["sibling"], None, None); return "seized"
        """, alone=True),
    _attack("signal to the parent", "NLS", "os.kill(host['parent'], signal.SIGCONT); return 'sent'"),
    _attack("signal to a sibling", "NLS", "os.kill(host['sibling'], signal.SIGCONT); return 'sent'"),
    _attack("signal by a descriptor of the process", "NLS", """
        signal.pidfd_send_signal(os.pidfd_open(host["sibling"]), signal.SIGCONT); return "sent"
        """, alone=True),
    _attack("signal by a descriptor's owner", "NS", """
        import fcntl
        fcntl.fcntl(os.pipe()[0], fcntl.F_SETOWN, host["sibling"]); return "owned"
        """, alone=True),
    _attack("another process's limits", "NS", """
        return repr(resource.prlimit(host["sibling"], resource.RLIMIT_NOFILE))
        """),
    _attack("shared memory of others", "NS", """
        libc.shmat.restype = ctypes.c_void_p
        address = libc.shmat(host["shm"], None, 0o10000)
        if address in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return booty(ctypes.string_at(address, host["length"]))
        """),
    _attack("keys of the kernel", "S", """
        syscall(248, 217, b"user", b"kernelfalcon", b"x", ctypes.c_size_t(1), -2); return "added"
        """, open=False),
    _attack("bpf", "S", "syscall(321, 280, 0, None, 0); return 'made'", open=False),
    _attack("performance counters", "S", """
        syscall(298, 241, ctypes.create_string_buffer(struct.pack("<II", 1, 112), 112), 0, -1, -1, 0); return "made"
        """, open=False),
    _attack("fork", "S", "os.fork() or os._exit(0); return 'forked'",
            roles=("tracer", "conformance", "cuda.reference"), alone=True),
    _attack("start a program", "S", """
        import subprocess
        subprocess.run(["/bin/true"], check=True); return "ran"
        """, roles=("tracer", "conformance", "cuda.reference"), alone=True),
    _attack("thread", "S", """
        one = threading.Thread(target=time.sleep, args=(0,)); one.start(); one.join(); return "ran"
        """, roles=("tracer",)),
    _attack("capabilities", "A", """
        held = (ctypes.c_uint32 * 6)()
        syscall(125, 90, (ctypes.c_uint32 * 2)(0x20080522, 0), held)
        if any(held):
            return repr(list(held))
        raise PermissionError(1, "none")
        """, open=False),
    # floods
    _flood("memory", "A", """
        import mmap
        held = [mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(20)]
        return "had"
        """, open=False),
    _flood("files in memory", "S", """
        files = [os.memfd_create("x") for _ in range(8)]
        for fd in files:
            os.ftruncate(fd, 32 << 20)
        return "had"
        """, roles=("tracer", "conformance")),
    _flood("shared memory segments", "S", """
        call("shmctl", call("shmget", 0, ctypes.c_size_t(1 << 20), 0o600), 0, None); return "had"
        """),
    _flood("full disk", "N", """
        for number in range(10):
            with open(f"part{number}", "wb") as file:
                for _ in range(30):
                    file.write(bytes(1 << 20))
        return "written"
        """, roles=("tracer", "conformance")),
    _flood("one large file", "A", """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        os.truncate(os.open("large", os.O_CREAT | os.O_RDWR), 7 << 30); return "written"
        """, open=False),
    _flood("millions of files", "N", """
        for number in range(70_000):
            os.mknod(f"{number}")
        return "made"
        """, open=False, roles=("tracer", "conformance")),
    _flood("descriptors", "A", """
        held = []
        while len(held) < 5000:
            held.append(os.dup(0))
        return "had"
        """, open=False),
    _flood("threads", "N", """
        stop, threading_size = threading.Event(), threading.stack_size(65536)
        try:
            for number in range(600):
                threading.Thread(target=stop.wait, daemon=True).start()
        finally:
            stop.set()
        return "had"
        """),
    _flood("fork bomb", "N", """
        for number in range(600):
            if os.fork() == 0:
                signal.pause()
        return "had"
        """, roles=("compile",)),
]  # fmt: skip

_OUTLIVING = {
    "SIGTERM ignored": (
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)",
        ("tracer", "compile", "cuda.reference"),
    ),
    "no signal at its parent's end": ("call('prctl', 1, 0, 0, 0, 0)", ("tracer", "compile")),
    "stopped": (
        """
        global later
        def later():
            os.kill(os.getpid(), signal.SIGSTOP)
        """,
        ("tracer", "compile"),
    ),
    "its group stopped": (
        """
        global later
        def later():
            for group in (0, -os.getpgid(0)):
                try:
                    os.kill(group, signal.SIGSTOP)
                except OSError:
                    pass
        """,
        ("tracer", "compile"),
    ),
    "a double fork, in a session of its own": (
        """
        for again in range(2):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_IGN)
                    time.sleep(600)
                os._exit(0)
        os.wait(); os.wait()
        """,
        ("compile", "cuda.executor"),
    ),
    "a program, by vfork": (
        "os.posix_spawn('/bin/sleep', ['sleep', '600'], {}, setsid=True)",
        ("compile", "cuda.executor"),
    ),
    "a chain of processes, each of which forks and ends": (
        """
        if os.fork() == 0:
            os.setsid()
            while True:
                if os.fork():
                    os._exit(0)
        """,
        ("compile",),
    ),
    "a fork bomb under way": (
        """
        if os.fork() == 0:
            resource.setrlimit(resource.RLIMIT_NPROC, (200, 200))
            for _ in range(60):
                if os.fork() == 0:
                    signal.pause()
            while True:
                if os.fork() == 0:
                    time.sleep(0.05)
                    os._exit(0)
        """,
        ("compile",),
    ),
    "files that are hard to delete": (
        """
        os.mkdir("closed"); os.mkdir("closed/more"); os.mkdir("closed/more/none", 0)
        for _ in range(1500):
            os.mkdir("deeper"); os.chdir("deeper")
        """,
        ("tracer", "compile"),
    ),
}
OUTLIVING = {
    name: (f"{PRELUDE}\ndef attack(host):\n{indent(dedent(body).strip(), '    ')}\n    return 'began'\n", roles)
    for name, (body, roles) in _OUTLIVING.items()
}
"""What a role may do to live on, or to leave something behind, after its end; and the roles that may try."""
