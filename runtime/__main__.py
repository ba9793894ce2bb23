"""`python -m runtime …`: the command line."""

from runtime.cli.main import main

if __name__ == "__main__":
    main()
