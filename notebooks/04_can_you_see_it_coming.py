# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Can you see it coming?
#
# The book of an exchange says who would be liquidated if a price fell by 1 %, and the market says how far the price
# falls per dollar sold. Together they give the **contagion matrix** $K$: $K_{ab}$ is the dollars forced out of market
# $b$ by one dollar forced out of market $a$. Its spectral radius $R$ plays the role of $R_0$ in an epidemic:
#
# * $R < 1$: cascades end by themselves, and a first round $s$ of forced sales grows to $(I - K^T)^{-1} s$;
# * $R \geq 1$: **unstable**. No cascade size is predicted, because the linear answer has none.
#
# All of it can be read *before* the storm. **Before you read on, predict:** how often is such a warning right?

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # no widgets are needed here

import pandas as pd

from experiments import load
from experiments.target import opened
from experiments.warning.early_warning import LiveBook
from experiments.warning.folder import matrix_table
from experiments.warning.outcome import WarnedBook, outcome, outcomes
from experiments.warning.picture import outcome_picture
from experiments.warning.warned import warn, warning_picture

# %% [markdown]
# ## A book, read before its storm
#
# Four thousand long accounts of eight types over four markets, under cross margin. Nothing has happened yet. A mark is
# moved, one market at a time, and the margin engine itself says who would fall: dollars forced out of all markets if
# one market moves by 1 %.

# %%
book = WarnedBook(accounts=4_000).at_radius(0.6)
reading = LiveBook(opened(book.scenario())).warning(book.window)
markets = [market.name for market in book.scenario().markets]
pd.Series(reading.per_percent.round(-3), markets, name="dollars forced out per 1 % move")

# %% [markdown]
# The contagion matrix: dollars forced out of the column's market per dollar forced out of the row's. Off the diagonal
# stands what a shared pot carries from one market to another. In isolated margin it is zero, exactly.

# %%
pd.DataFrame(reading.matrix, markets, markets).round(3)

# %%
alone = LiveBook(opened(WarnedBook(accounts=4_000, regime="isolated").at_radius(0.6).scenario())).warning(book.window)
pd.DataFrame(alone.matrix, markets, markets).round(3)

# %%
print(f"spectral radius: cross {reading.radius:.3f}, isolated {alone.radius:.3f}; stable: {reading.stable}")

# %% [markdown]
# ## Prediction against outcome
#
# Six unlike populations, each set to four radii, each read before the same shock and then left to cascade to rest.
# Amplification is dollars closed in the end over dollars closed in the first round. Nothing was fitted.

# %%
cross = outcomes(WarnedBook(accounts=4_000), radii=(0.2, 0.4, 0.6, 0.85), count=6)
outcome_picture(cross)

# %%
isolated = outcomes(WarnedBook(accounts=4_000, regime="isolated"), radii=(0.2, 0.4, 0.6, 0.85), count=6)
outcome_picture(isolated)

# %% [markdown]
# Up to 0.6 the predictions are near. At 0.85, in cross margin, **one population is far off**: several times what was
# predicted, and the window did not warn of it. Near 1 a small difference in who stands just below the window decides
# whether a cascade ends. With few accounts, single outcomes scatter; a mean of six is no proof either, as its interval
# says.
#
# ## Above 1
#
# A book set to a radius above 1 gets a word, not a number.

# %%
beyond = outcome(WarnedBook(accounts=4_000).at_radius(1.2))
print(beyond.prediction.reason, f"| predicted {beyond.prediction.amplification} | came: {beyond.simulated:.1f} times")

# %% [markdown]
# ## A day of the classroom: one hit, one false alarm, one miss
#
# Now a market with hedgers, makers and noise, read at every step. The reading is taken at the end of each step, before
# the next. **A hit**: the radius jumps above 1, and the step after brings the cascade. The warning came ten minutes
# ahead, and only after the shock; at the opening it read 0.

# %%
warning_picture(warn(load("classroom", ["seed=6"])))

# %% [markdown]
# **A false alarm**: above 1 after the shock, and nothing was liquidated. Unstable means that a cascade would not end by
# itself if it began; nothing says that it begins.

# %%
warning_picture(warn(load("classroom", ["seed=2"])))

# %% [markdown]
# **A miss**: the radius stays near 0 all day, and yet most is closed by force of the three. The shock itself went past
# the window of 1 % in which the book was read, and took accounts that no small move would have touched.

# %%
missed = warn(load("classroom", ["seed=4"]))
warning_picture(missed)

# %%
print(missed)
matrix_table(missed)

# %% [markdown]
# ## So, can you?
#
# You can see how a small first round would grow, if the move stays within what was read. You cannot see the shock, and
# a window of 1 % says nothing of accounts that stand 10 % away. A low radius is not safety, a high one no forecast.
#
# ## Try it
#
# 1. Read farther: `warn(load("classroom", ["seed=4"]), window=0.15)`. Does the miss become a hit? And the false alarm?
# 2. More accounts: `WarnedBook(accounts=20_000)`. Which marks come nearer to the line? On the command line,
#    `crossmargin warn --outcomes` takes twelve such populations.
# 3. `crossmargin warn classroom` does the same from the command line.
#
# Each day above is one run, chosen to show a kind of outcome; how often each kind happens is not estimated here.
