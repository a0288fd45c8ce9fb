"""What shells are told of a word that is not finished; tests/test_integrate.py runs the shells."""

from __future__ import annotations

import click
import pytest
from click.shell_completion import get_completion_class

from kmcodec.cli.app import kmc


def completed(*words):
    """The types and values that complete the last word."""
    shell = get_completion_class("bash")(kmc, {}, "kmc", "_KMC_COMPLETE")
    return [(item.type, item.value) for item in shell.get_completions([*words[:-1]], words[-1])]


def commands(group=kmc, before=()):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        else:
            yield pytest.param((*before, name), command, id=" ".join((*before, name)))


# Parameters that take a text, and no name of a file.
TEXTS = {"quality", "variable", "scheduler", "extension"}


@pytest.mark.parametrize(("words", "command"), [*commands()])
def test_names_of_files_are_completed_wherever_a_file_is_named(words, command):
    for parameter in command.params:
        if isinstance(parameter.type, type(click.STRING)) and parameter.name not in TEXTS:
            option = parameter.opts[-1:] if isinstance(parameter, click.Option) else ()
            others = ["a"] * (command.params.index(parameter) if not option else 0)
            assert completed(*words, *others, *option, "bi") == [("file", "bi")], parameter.name


def test_commands_options_and_choices_are_completed():
    assert completed("enc") == [("plain", "encode")]
    assert completed("encode", "--shared-p") == [("plain", "--shared-palette")]
    assert ("plain", "fastest") in completed("encode", "--effort", "fast")
