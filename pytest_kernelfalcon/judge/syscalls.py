"""Numbers of system calls on x86-64 and AArch64, and which of them roles may not make.

From the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; -1: not there.
"""

from __future__ import annotations

Numbers = tuple[int, int]
"""On x86-64, on AArch64."""

FORBIDDEN: dict[str, Numbers] = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171), "bpf": (321, 280), "chroot": (161, 51),
    "clock_adjtime": (305, 266), "clock_settime": (227, 112), "delete_module": (176, 106), "finit_module": (313, 273),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fsopen": (430, 430), "fspick": (433, 433),
    "init_module": (175, 105), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioperm": (173, -1), "iopl": (172, -1), "kcmp": (312, 272),
    "kexec_file_load": (320, 294), "kexec_load": (246, 104), "keyctl": (250, 219), "mount": (165, 40),
    "mount_setattr": (442, 442), "move_mount": (429, 429), "msgget": (68, 186), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241), "personality": (135, 92),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "pivot_root": (155, 41),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "ptrace": (101, 117), "quotactl": (179, 60),
    "reboot": (169, 142), "request_key": (249, 218), "semget": (64, 190), "setdomainname": (171, 162),
    "sethostname": (170, 161), "setns": (308, 268), "settimeofday": (164, 170), "shmat": (30, 196),
    "shmget": (29, 194),
    "swapoff": (168, 225), "swapon": (167, 224), "syslog": (103, 116), "tkill": (200, 130), "umount2": (166, 39),
    "unshare": (272, 97), "userfaultfd": (323, 282), "vhangup": (153, 58),
}  # fmt: skip
"""To every role: other processes' memory, mounts and namespaces, keys, clocks, memory that no limit counts, the kernel
itself."""
STARTS: dict[str, Numbers] = {"fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281)}
"""To a role that starts no process."""
ALONE: dict[str, Numbers] = {
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "chmod": (90, -1), "fchmod": (91, 52),
    "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1), "lchown": (94, -1), "fchown": (93, 55),
    "fchownat": (260, 54), "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "utime": (132, -1), "utimes": (235, -1), "futimesat": (261, -1), "utimensat": (280, 88),
    "socket": (41, 198), "socketpair": (53, 199),
}  # fmt: skip
"""To a role that has no helpers, neither compilers nor a GPU's driver, though it may have threads: files in memory
beside its scratch directory, whose size binds all that it writes; and what Landlock does not know: who owns a file, may
read it, changed it when; sockets in the file tree. Its channels are there when it begins."""
HANDS: dict[str, Numbers] = {"sendmsg": (46, 211), "sendmmsg": (307, 269)}
"""To a role that hands no descriptors on: what it sends goes by `sendto`."""
ONESELF: dict[str, Numbers] = {
    "kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip
"""Signals: to nobody but oneself. Their first argument is a process."""
LIMITS: Numbers = (302, 261)
"""prlimit64, whose first argument is a process as well, or 0 for oneself."""
COMMANDS: dict[str, tuple[Numbers, tuple[int, ...]]] = {
    "fcntl": ((72, 25), (8, 15)),
    "ioctl": ((16, 29), (0x5412, 0x541C, 0x8901, 0x8902)),
}
"""By their second argument: F_SETOWN and F_SETOWN_EX, FIOSETOWN and SIOCSPGRP have a descriptor signal a process;
TIOCSTI and TIOCLINUX type for the user."""
SOCKET: Numbers = (41, 198)
CLONE: Numbers = (56, 220)
CLONE3: Numbers = (435, 435)
