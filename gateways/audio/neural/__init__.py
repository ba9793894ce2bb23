"""Neural networks that hear a recording's genre, instruments, voices and a vector of its sound.
Enter through `listen.Listener`, built before the child is locked down; `port.py` is where other
models come in. The weights lie in `weights/`, how they were made in `conversion/` (ADR 0017)."""
