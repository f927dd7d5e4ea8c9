# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Isolated, cross, portfolio: which margin is safer?
#
# Two hundred traders hold leveraged positions in three markets. At noon one market falls. Who is liquidated, who
# pays, and does the fall spread to markets that had no news?
#
# The venue can ask for margin in three ways:
#
# | regime | collateral | a hedge needs less margin? |
# |---|---|---|
# | **isolated** | each position has its own pot and can lose no more than it | no |
# | **cross** | all positions of an account share one pot | no: requirements are summed |
# | **portfolio** | one pot | yes: the requirement is the worst loss of the whole book |
#
# **Before you read on, predict:** under which regime are most accounts hit? Under which does the exchange lose most?

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # no widgets are needed here

from experiments import compare
from experiments.drawing import Picture
from experiments.figures import figures

comparison = compare("classroom", seeds=8, workers=1, progress=False)
pictures: dict[str, Picture] = {picture.name: picture for picture in figures(comparison)}

# %% [markdown]
# ## One storm, three regimes
#
# All regimes meet **the same storm**: the same seed gives the same exogenous prices, whatever agents do, and
# `compare` checks that it did. So what differs below is the margin rule, nothing else.
#
# The picture shows the worst of all runs. The dashed line is the price without anybody's trades; the solid line is
# what traders and liquidations made of it; the bars are forced sales.

# %%
pictures["paths_worst"]

# %% [markdown]
# **The loop.** A price falls; accounts fall below their maintenance margin; the exchange sells their positions; the
# sales push the price down further; more accounts fall below. Ask: *who sells, to whom, and why now?*
#
# In the contagion graph of the same run every mark is a liquidated pot, and a line leads from a liquidation to the
# one it pulled down. Marks with a thick edge are roots: the storm alone would have brought them down.

# %%
pictures["contagion_worst"]

# %% [markdown]
# ## Many storms, three axes
#
# One run is an illustration, never an estimate. Over several storms, with 95 % intervals, the three axes are kept
# apart on purpose: *solvency* (does the exchange lose money?), *liquidation volume* (how much is sold by force?) and
# *contagion* (does a loss in one market close healthy positions in another?). A regime may win one and lose another.
#
# There are two fair ways to compare:
#
# * **equal positions** (filled): everybody holds the same book under every regime;
# * **equal utilisation** (hollow): traders spend the margin that a milder regime sets free on larger positions.
#
# Isolated and cross margin ask for the same at the opening, so for them both designs are the same runs.

# %%
pictures["verdict"]

# %% [markdown]
# Things to look for:
#
# * Isolated margin never closes a position that was healthy on its own. Sharing a pot does: a sound position is sold
#   because another one failed.
# * Sharing a pot protects accounts as long as positions are equal: fewer are hit.
# * The comparison of portfolio margin changes between the filled and the hollow marks.

# %% [markdown]
# ## How much re-use is too much?
#
# The share φ of freed margin that traders put to work joins the two designs: φ = 0 is equal positions, φ = 1 equal
# utilisation. Where the curve of portfolio margin crosses the level of isolated margin, both are equally bad. That
# point is φ\*. If there is none, the title says so.

# %%
pictures["reuse"]

# %%
from experiments.verdict_table import star_lines

print("\n".join(star_lines(comparison.reuse_star)))

# %% [markdown]
# ## Who pays?
#
# What the trader's own collateral does not cover is bad debt. It is paid in strict order: by the insurance fund, then
# by winners whose positions are closed early (auto-deleveraging), then by everybody. Every dollar has a payer.

# %%
pictures["waterfall"]

# %% [markdown]
# ## The whole verdict
#
# Differences to isolated margin are taken storm by storm, because all regimes met the same storms. That makes them far
# surer than two intervals side by side. An event that never came in n storms is `< 3/n`, not 0 %.

# %%
print(comparison)

# %% [markdown]
# ## Try it
#
# 1. Give the exchange a larger insurance fund: `load("classroom", ["insurance_fund=1000000"])`. What changes, what
#    does not?
# 2. Switch impact off: `load("classroom", ["impact.kind=none"])`. Which axis disappears, and why?
# 3. Let the margin engine believe in a higher correlation than the world has:
#    `load("classroom", ["margin.correlation=0.95"])`. Look at portfolio margin with equal utilisation.
#
# Everything here is conditional on the assumptions of the scenario, and none of it is advice. The report that
# `compare(..., out="results")` writes lists what was not modelled.
