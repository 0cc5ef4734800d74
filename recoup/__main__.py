"""``python -m recoup`` is the program ``recoup``."""

from recoup.cli import main

if __name__ == "__main__":
    main(prog_name="recoup")
