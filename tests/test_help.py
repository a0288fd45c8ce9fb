"""What `--help` shows, and that its examples can be typed."""

from __future__ import annotations

import importlib
import re
import shlex

import click
import pytest
from click.testing import CliRunner

from kmcodec.cli.app import kmc
from kmcodec.cli.help import GROUPS

NAMES = kmc.list_commands(click.Context(kmc))


def command(name):
    return getattr(importlib.import_module(f"kmcodec.cli.{name}"), name)


def help_of(*words):
    run = CliRunner().invoke(kmc, [*words, "--help"])
    assert run.exit_code == 0
    return run.output


@pytest.mark.parametrize("words", [(), ("plot",)])
def test_summaries_of_commands_are_whole(words):
    assert "..." not in help_of(*words).replace("[ARGS]...", "")


def test_the_first_help_begins_with_commands_and_an_example():
    text = help_of()
    places = [text.index(word) for word in ("Commands:", "Example:", "Options:", "Exit codes:")]
    assert places == sorted(places)


def test_every_option_of_encode_stands_below_a_heading_of_its_own():
    text = help_of("encode")
    headings = [line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == [*GROUPS, "Examples"]
    grouped = {name for names in GROUPS.values() for name in names}
    options = {p.name for p in command("encode").params if isinstance(p, click.Option)}
    assert options <= grouped


LONG = ("encode", "optimize", "decode", "sweep", "palette", "plot clusters")


def sections_of(text):
    """The long names of the options below each heading."""
    sections = {}
    for line in text.splitlines():
        if line.endswith(":") and line[0] != " ":
            names = sections.setdefault(line[:-1], [])
        elif found := re.match(r"  (?:-\w, )?(--[\w-]+)", line):
            names.append(found[1])
    return sections


@pytest.mark.parametrize("name", LONG)
def test_every_option_stands_below_one_heading_of_its_group(name):
    words = name.split()
    found = kmc
    for word in words:
        found = found.get_command(click.Context(found), word)
    names = {max(p.opts, key=len): p.name for p in found.params if isinstance(p, click.Option)}
    sections = sections_of(help_of(*words))
    shown = [option for options in sections.values() for option in options]
    assert sorted(shown) == sorted([*names, "--help"])
    names["--help"] = "help"
    for heading in sections.keys() - {"Examples"}:
        assert {names[option] for option in sections[heading]} <= set(GROUPS[heading])


def test_what_is_written_and_how_stands_below_output():
    options = sections_of(help_of("decode"))
    assert {"--output", "--to", "--picture", "--strip", "--force"} == set(options["Output"])
    assert options["Messages"] == ["--quiet", "--json", "--help"]


@pytest.mark.parametrize("name", ["encode", "optimize", "decode", "sweep", "palette"])
def test_examples_can_be_typed(name):
    examples = help_of(name).split("Examples:\n")[1].strip().splitlines()
    assert len(examples) >= 2
    for line in examples:
        words = shlex.split(line, comments=True)
        assert words[:2] == ["kmc", name]
        command(name).make_context(name, words[2:])


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_a_terminal(name):
    assert all(len(line) <= 80 for line in help_of(name).splitlines())
