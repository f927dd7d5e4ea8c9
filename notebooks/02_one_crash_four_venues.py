# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # One crash, four venues
#
# The same two hundred traders, the same three markets, the same day on which one of them falls. Only the rule book
# changes: Binance's leverage brackets, Hyperliquid's stages, Deribit's portfolio margin, Vega's shared losses.
#
# A venue preset is data: how margin is asked for, when and how much is closed, who pays what is missing. It says
# nothing of prices or people, so what differs below is the rule book and nothing else. What a preset leaves out is
# part of it; at the end of this page it is printed.
#
# **Before you read on, predict:** on which venue do most accounts die? On which does the venue lose most? Is it the
# same one?

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # no widgets are needed here

from experiments import compare
from experiments.figures import figures
from experiments.venue_presets import venue_preset
from experiments.venue_table import BOOKS, requirements

VENUES = ("binance", "hyperliquid", "deribit", "vega")

# %% [markdown]
# ## What each asks for
#
# Initial and maintenance margin as a share of gross notional, from the margin engine, for the same five books. A hedge
# (`+BTC -ETH`) needs as much as its two legs on all four: Deribit nets within an asset, not across assets.

# %%
import pandas as pd

rates = {name: requirements(venue_preset(name)) for name in VENUES}
table = {book: [f"{100 * rates[v][book][0]:.2f} / {100 * rates[v][book][1]:.2f} %" for v in VENUES] for book in BOOKS}
pd.DataFrame(table, index=pd.Index(VENUES, name="initial / maintenance"))

# %% [markdown]
# ## The crash
#
# The worst run of all. The dashed line is the price without anybody's trades, the same in every column; the solid line
# is what traders and liquidations made of it; bars are forced sales.

# %%
comparison = compare("classroom", seeds=8, workers=1, progress=False, regimes=VENUES, reuse_grid=())
pictures = {picture.name: picture for picture in figures(comparison)}
pictures["paths_worst"]

# %% [markdown]
# ## Two fair questions
#
# * **Equal positions** (filled): everybody holds the same book on every venue. A venue that asks for little margin then
#   looks safe for traders: they are far from its threshold. One that asks for much closes many at once.
# * **Equal utilisation** (hollow): everybody uses the same share of what the venue allows. Low margin then means large
#   positions, and the order turns round.
#
# Neither is the truth; which of the two describes your users is a question about them, not about the rule book.

# %%
pictures["verdict"]

# %% [markdown]
# ## Who pays?
#
# The layers of the loss waterfall: the insurance fund, winners who are deleveraged, winners who share the loss out of
# their gains, everybody. Deribit and Vega know no deleveraging; Binance and Hyperliquid rank the winners, each by a
# formula of its own.

# %%
pictures["waterfall"]

# %% [markdown]
# ## All numbers
#
# Differences are to the first venue, storm by storm. With eight storms intervals are wide: this page is for reading the
# mechanism, not for citing. `crossmargin compare venue binance hyperliquid deribit vega --seeds 200` is for that.

# %%
print(comparison)

# %% [markdown]
# ## What the presets leave out

# %%
for name in VENUES:
    venue = venue_preset(name)
    print(f"{venue.title}, {venue.date}")
    for text in venue.left_out:
        print(f"  - {text}")

# %% [markdown]
# ## Try it
#
# 1. Give every venue a backstop vault: `load("classroom", ["backstop.capital=500000"])`. Who gains most from it?
# 2. Let the mark follow the oracle: `["mark.kind=oracle"]`. Vega does so in close-outs. Which column changes most?
# 3. Compare `dydx` and `synthetix` instead. Why does a market's open interest matter on one and its skew on the other?
