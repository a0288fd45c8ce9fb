"""`python -m kmcodec`."""

from kmcodec.cli import main

if __name__ == "__main__":
    main()
