"""``python -m pqeval`` is the command ``pqeval``."""

from pqeval.cli import main

if __name__ == "__main__":
    main()
