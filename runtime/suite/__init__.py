"""The project's own checks: linters, the test suite, which tests a change touches, the long runs.

`./noculture test` (runtime/cli/test.py) calls these; the tests themselves lie in tests/.
"""
