"""The command group, and the main function that turns errors into a line and an exit code."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
import warnings
from typing import Any, NoReturn

import click

from kmcodec._version import __version__
from kmcodec.cli.exit_codes import FAILED, INTERRUPTED, USAGE
from kmcodec.cli.process import end_cleanly_on_signals, note, open_missing_streams
from kmcodec.errors import KmcError, KmcWarning, reason_of
from kmcodec.garbage import collect_from_now_on
from kmcodec.interrupts import raise_on_interrupt

__all__ = ["main"]

_HELP = """Turn images into palettes by k-means, and keep both in small .kmc files."""

_EXAMPLE = "kmc encode bird.png -k 16 -o bird.kmc"

_REST = """Exit codes: 0 success; 1 failure (of several files, at least one failed); 2 wrong usage;
3 a quality or size was not reached ("kmc optimize": 99); 130 interrupted; 143 terminated.

kmc replaces an existing file only with --force, and never its own input. It writes a file whole or
not at all; only a killed process can leave a .kmc-*.tmp file, which you can delete. The name -
stands for standard input or standard output. Messages go to standard error.
"""


class _LazyGroup(click.Group):
    """Import a command's module when the command runs: `kmc --version` stays fast."""

    commands_here = (
        "encode",
        "optimize",
        "decode",
        "info",
        "view",
        "verify",
        "compare",
        "sweep",
        "plot",
        "palette",
        "thumbnail",
        "integrate",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_here)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_here:
            return None
        module = importlib.import_module(f"kmcodec.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        raise_on_interrupt()
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from kmcodec.cli.help import write_commands

        write_commands(self, ctx, formatter)
        with formatter.section("Example"):
            formatter.write_text(_EXAMPLE)
        click.Command.format_options(self, ctx, formatter)


@click.command(
    cls=_LazyGroup,
    help=_HELP,
    epilog=_REST,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, asked: _tell_version(ctx) if asked else None,
    help="Show the version and whether compiled kernels are in use, and exit.",
)
def kmc() -> None:
    pass


def _tell_version(ctx: click.Context) -> NoReturn:
    from kmcodec import coding, quantization

    compiled = coding.COMPILED and quantization.COMPILED
    click.echo(f"kmc {__version__} ({'compiled' if compiled else 'pure Python'} kernels)")
    ctx.exit()


def main() -> NoReturn:
    """Run the command line and exit."""
    collect_from_now_on()
    warnings.showwarning = _show_warning
    # Libraries also log the errors they raise; without a handler these go to standard error.
    logging.getLogger().addHandler(logging.NullHandler())
    open_missing_streams()
    end_cleanly_on_signals()
    try:
        code = kmc.main(prog_name="kmc", standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
            error.show()  # its message is the whole help
        else:
            message = error.format_message().rstrip(".")
            _complain(f"{message} ({_help_hint(error)})")
        code = USAGE
    except (KmcError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        _complain(message)
        code = FAILED
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        code = INTERRUPTED
    except OSError as error:
        if error.errno != errno.EPIPE:
            _complain(_what_failed(error))
        # At exit the interpreter would try once more to write the rest to the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = FAILED
    except MemoryError:
        _complain("not enough memory")
        code = FAILED
    sys.exit(code or 0)


def _what_failed(error: OSError) -> str:
    """Describe an error of standard output or the current folder; commands report all others."""
    if error.errno == errno.ENOENT and not error.filename and not _has_current_folder():
        return "the current folder no longer exists: change to another one"
    return f"{error.filename or 'standard output'}: {reason_of(error)}"


def _has_current_folder() -> bool:
    try:
        return os.path.isdir(os.getcwd())
    except OSError:
        return False


def _help_hint(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "kmc"
    return f"see '{path} --help'"


def _complain(message: str) -> None:
    note("kmc: " + " ".join(message.split("\n")))


def _show_warning(message: Any, category: type[Warning], *args: Any, **kwargs: Any) -> None:
    kind = "note" if issubclass(category, KmcWarning) else "warning"
    note(f"kmc: {kind}: {message}")
