# SPDX-License-Identifier: Apache-2.0
"""Test Anything Protocol to standard output, and an end in any case."""

import atexit
import os
import signal
import sys
import threading
import traceback

_lock = threading.Lock()
_state = {"nr": 0, "failed": 0}
_on_end = []


def at_end(function):
    """Called when the test ends, whichever way; the last one first."""
    _on_end.append(function)


def _run_ends():
    while _on_end:
        try:
            _on_end.pop()()
        except Exception:
            traceback.print_exc()


def _on_signal(number, _frame):
    what = "it took too long" if number == signal.SIGALRM else f"signal {number}"
    os.write(1, f"Bail out! {what}\n".encode())
    for thread in list(sys._current_frames().items()):
        os.write(2, ("".join(traceback.format_stack(thread[1])[-2:])).encode())
    _run_ends()
    os._exit(1)


def start(seconds):
    """The whole test may take this long."""
    if os.environ.get("SLUICE_SLOW"):
        seconds *= 4
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _on_signal)
    signal.alarm(seconds)
    atexit.register(_run_ends)
    sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")


def diag(text):
    with _lock:
        for line in str(text).splitlines():
            print("#", line)


def _clean(name):
    return name.replace("#", "no. ").replace("\n", " ")


def ok(is_true, name, why=""):
    """One line of TAP; why is shown only when it is not so."""
    with _lock:
        _state["nr"] += 1
        print(f"{'ok' if is_true else 'not ok'} {_state['nr']} - {_clean(name)}")
        if not is_true:
            _state["failed"] += 1
            for line in str(why).splitlines():
                print("#  ", line[:600])
            if os.environ.get("HARNESS_ACTIVE"):  # it keeps the rest to itself
                print(f"# {sys.argv[0]} {_state['nr']} - {name}\n#   {str(why)[:2000]}",
                      file=sys.stderr)
    return bool(is_true)


def same(got, want, name):
    return ok(got == want, name, f"got  {got!r}\nwant {want!r}")


def skip(name, why):
    with _lock:
        _state["nr"] += 1
        print(f"ok {_state['nr']} - {_clean(name)} # SKIP {why}")


def facts(*functions):
    """Runs each function; one that raises is one failed fact, and the others still run."""
    for function in functions:
        try:
            function()
        except Exception as e:
            ok(False, f"{function.__name__.replace('_', ' ')} comes to its end",
               f"{type(e).__name__}: {e}\n{traceback.format_exc()}")


def together(*functions):
    """As facts(), side by side: for tests that mostly wait."""
    threads = [threading.Thread(target=facts, args=(f,), daemon=True) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def done():
    """The plan, when all is told; the exit status is for those who run a test by hand."""
    _run_ends()
    with _lock:
        print(f"1..{_state['nr']}")
    sys.exit(1 if _state["failed"] else 0)
