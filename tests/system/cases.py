# SPDX-License-Identifier: MIT
"""Cases of a test script: functions marked with @case, run in their order, or those that
the command line names. The last line has the counts that tools/run-tests adds up.

    @case
    def a_name_that_says_what_holds():
        assert ...

    if __name__ == '__main__':
        sys.exit(main())
"""
import sys
import time
import traceback

_cases = []


def case(function):
    _cases.append(function)
    return function


def main():
    """The exit status: 0 when at least one case ran and none failed."""
    passed = failed = 0
    for function in _cases:
        if sys.argv[1:] and function.__name__ not in sys.argv[1:]:
            continue
        start = time.monotonic()
        try:
            function()
            passed += 1
            print('ok %s (%.1f s)' % (function.__name__, time.monotonic() - start), flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print('FAIL %s: %s' % (function.__name__, traceback.format_exc()), flush=True)
    print('%d passed, %d failed' % (passed, failed))
    return 1 if failed or not passed else 0
