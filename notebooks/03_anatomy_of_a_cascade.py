# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # The anatomy of a cascade
#
# At noon SOL falls by 15 %. In most storms of this small market nobody is liquidated. In this one thirteen accounts
# are, within one step of ten minutes, most of them because of each other.
#
# Counting liquidations is easy. This page asks for their **cause**: of the dollars one account lost, how many did the
# storm take, and how many the liquidations before its own? What would have saved it?
#
# **Before you read on, predict:** of the thirteen, how many would have been liquidated then had nobody else been?

# %%
import warnings

warnings.filterwarnings("ignore", message="IProgress not found")  # no widgets are needed here

from experiments import load, run
from experiments.causes.causal_tree import causal_tree
from experiments.causes.explain import explain
from experiments.causes.folder import rerun_table
from experiments.graph.cascade_picture import cascade_picture
from experiments.graph.contagion import contagion_graph

storm = load("classroom", ["seed=6"])
cascade = cascade_picture(contagion_graph(run(storm)))

# %% [markdown]
# ## Who pulled whom down
#
# Every mark is a liquidated account; time runs from left to right in rounds of the same step. A line leads from the
# closing that carried another account across its threshold. A thick rim is a *root*: the storm alone would have
# brought it down.

# %%
cascade

# %%
print(cascade.caption)

# %% [markdown]
# One small root, five generations. The root's sale moved the price a little; that little was enough for the next, who
# sold more. Of the thirteen, twelve would not have been liquidated then had nobody else been. Then, not ever: the storm
# goes on, and one of the twelve, told of below, would have been closed a step later without the root.

# %% [markdown]
# ## One account
#
# `explain` takes the liquidated account with the largest loss. It repeats the run with a diary of every posting and
# splits the loss along it, so the parts add up to the last cent. Read the story first; the picture after it says the
# same.

# %%
told = explain(storm)
print(told)

# %% [markdown]
# ## The tree of its causes
#
# At the bottom the account, above it what took its money, above *forced sales* the earlier liquidations that owe it.

# %%
causal_tree(told)

# %% [markdown]
# ## Two questions that are easily confused
#
# * **Where did the money go?** Most of it went to the storm: the outside price fell. Earlier liquidations took a small
#   part. That is accounting; it is exact, and it changes nothing.
# * **What would have saved it?** Without price impact, or without one other account, it survives, and saves far more
#   than forced sales took from it: it keeps its positions, and SOL recovers after the shock. A liquidation at the
#   bottom makes a passing loss final.
#
# So a cause that took few dollars can be the one that decided. The first question is answered by a sum, the second only
# by running the same storm again with one thing changed. Both answers are here because neither replaces the other.

# %%
rerun_table(told)

# %% [markdown]
# Shapley shares, at the end of the story, divide the difference between all causes on and all of them off; with several
# causes the effect of one depends on which others are there, and the shares average over all orders.
#
# Note the pots: with isolated margin part of the account was closed *earlier*, at the shock itself, and it lost less
# in all. Closed sooner and poorer are not the same.

# %% [markdown]
# ## The account that pulled it down
#
# The one that owes most is a victim too. Its own story, without reruns of several causes:

# %%
print(explain(storm, next(iter(told.others.values())), causes=()))

# %% [markdown]
# ## Try it
#
# 1. Tell another storm: `explain(load("classroom", ["seed=4"]))`. There the largest loss is whose fault?
# 2. Halve price impact: `load("classroom", ["seed=6", "impact.scale=0.05"])`. Is there still a cascade?
# 3. Count out two accounts of your choice: `explain(storm, without=["holders[31]", "holders[104]"])`. The second sold
#    less than a sixth of what the first did. Does the account survive without it?
#
# This is one run of one storm, chosen because something happens in it. It illustrates a mechanism and estimates
# nothing; `crossmargin compare` is for that. What the attribution calls a cause is a cause within the model.
