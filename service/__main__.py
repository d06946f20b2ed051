"""`python -m service`: the commands."""

from service.cli import main

main(prog_name="./henji")
