"""More commands of the command line, in the order in which they are listed; each loads what it needs when it runs."""

from experiments.ask.command import ask
from experiments.causes.command import explain
from experiments.contagion.command import contagion
from experiments.impulse.command import impulse
from experiments.loops.command import loops
from experiments.theory.command import theory
from experiments.warning.command import warn

COMMANDS = (theory, explain, contagion, impulse, warn, loops, ask)
