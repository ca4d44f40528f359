"""Runs a program under a tracer, which is attached before the first instruction of the program."""

import ctypes
import os
import signal
import sys

PTRACE_TRACEME = 0
PTRACE_CONT = 7

libc = ctypes.CDLL(None)
child = os.fork()
if child == 0:
    libc.ptrace(PTRACE_TRACEME, 0, None, None)
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    _, status = os.waitpid(child, 0)
    if not os.WIFSTOPPED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    number = os.WSTOPSIG(status)
    passed_on = 0 if number == signal.SIGTRAP else number
    libc.ptrace(PTRACE_CONT, child, None, ctypes.c_long(passed_on))
