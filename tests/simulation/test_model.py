"""The model: the order of a step, Mesa's own tools on it, and runs that can be dropped, copied and resumed."""

import copy
import gc
import pickle
import weakref
from typing import Any

import mesa
import numpy as np
import pytest

from agents.handles import forget
from agents.holder import Holder
from agents.noise import NoiseTrader
from simulation.model import MarketModel
from tests.venues import book, equity, storm, venue

CROWD: list[dict[str, Any]] = [
    {"kind": "holder", "count": 30, "leverage": {"kind": "uniform", "low": 3.0, "high": 9.5}, "reserve": 500.0},
    {"kind": "noise", "count": 10},
    {"kind": "momentum", "count": 5, "decision_steps": 3, "cohorts": 2},
]


def stormy(**changes: Any) -> MarketModel:
    rules = {"price": {"kind": "gbm"}, "impact": {"kind": "square_root", "permanent_share": 0.5}, "steps": 12}
    keepers = {"liquidators": [{"count": 1, "capital": 1e5}], "backstop": {"capital": 1e5}}
    return venue(CROWD, 2, **{**rules, **keepers, "step_seconds": 86_400.0, "insurance_fund": 1e4, **changes})


def state(model: MarketModel) -> dict[str, bytes]:
    """Everything a run leaves, as bytes."""
    accounts, events = model.accounts, model.exchange.desk.log.events
    columns = {name: getattr(accounts, name) for name in ("cash", "position", "entry_price", "pool", "reference")}
    columns |= model.market.history
    columns |= {f"event {name}": getattr(events, name) for name in vars(events)}
    columns["moments"] = model.market.moments.parts[: model.market.moments.last + 1]
    return {name: np.ascontiguousarray(column).tobytes() for name, column in columns.items()}


def test_a_step_goes_market_traders_exchange_record() -> None:
    model = venue([{"kind": "momentum", "count": 1, "lookback": 1, "threshold": 1e-6}], price=storm(100.0, 120.0))
    model.step()
    # The trader saw the new price in the same step, its order was filled in it, and the record is of its end.
    assert model.accounts.position[model.groups[0].rows, 0] == pytest.approx(3.0 * 10_000.0 / 120.0, abs=0.01)
    assert model.market.history["fill"][1, 0] == 120.0
    assert model.market.step == model.steps == 1


def test_the_exchange_answers_margin_calls_then_funding_then_orders_then_liquidations() -> None:
    # 100 at 90 leaves equity 10 - 10 = 0 of 10 long at 10: the top-up of this very step saves it.
    saved = [{"kind": "holder", "count": 1, "deposit": 100.0, "leverage": 9.0, "long_share": 1.0, "reserve": 1000.0}]
    model = venue(saved, price=storm(100.0, 91.0))
    model.step()
    assert not len(model.exchange.desk.log.events)
    assert equity(model)[0] == pytest.approx(1.5 * 0.05 * 9.0 * 91.0, rel=0.01)


def test_run_calls_progress_once_a_step_and_stops_at_the_end() -> None:
    model, seen = stormy(steps=7), []
    model.run(lambda: seen.append(model.market.step))
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    model.run(lambda: seen.append(0))
    assert 0 not in seen


def test_a_run_can_be_stopped_and_resumed_by_single_steps() -> None:
    whole, parts = stormy(), stormy()
    whole.run()
    for _ in range(5):
        parts.step()
    parts.run()
    assert state(whole) == state(parts)


def test_mesa_knows_every_agent_by_type() -> None:
    model = stormy()
    assert isinstance(model, mesa.Model)
    assert len(model.agents_by_type[Holder]) == 30
    assert len(model.agents_by_type[NoiseTrader]) == 10
    assert len(model.agents) == 30 + 10 + 5 + 3  # and exchange, keeper, vault
    assert len({agent.unique_id for agent in model.agents}) == len(model.agents)
    holder = model.agents_by_type[Holder][3]
    assert holder.row == model.groups[0].rows[3]
    assert holder.equity == pytest.approx(equity(model)[3])


def test_a_data_collector_works_with_model_and_agent_reporters() -> None:
    model = stormy(steps=4)
    collector = mesa.DataCollector(
        model_reporters={"mark": lambda m: float(m.market.mark_price[0])},
        agenttype_reporters={Holder: {"equity": "equity", "leverage": "leverage", "long": lambda a: a.position[0]}},
    )
    model.run(lambda: collector.collect(model))
    marks = collector.get_model_vars_dataframe()["mark"]
    np.testing.assert_array_equal(marks, model.market.history["mark"][1:, 0])
    found = collector.get_agenttype_vars_dataframe(Holder)
    assert found.shape == (4 * 30, 3)
    np.testing.assert_array_equal(found.loc[4]["equity"], equity(model))
    np.testing.assert_array_equal(found.loc[4]["long"], model.accounts.position[model.groups[0].rows, 0])


def test_traders_join_a_built_model_as_any_mesa_agent_does() -> None:
    model = stormy()
    late = NoiseTrader.create_agents(model, 7, name="late", deposit=123.0)
    assert len(late) == 7
    assert len(model.agents_by_type[NoiseTrader]) == 17
    np.testing.assert_array_equal(equity(model, 3), 123.0)
    model.run()
    assert model.accounts.position[model.groups[3].rows].any()


def test_a_finished_model_is_freed_once_mesa_forgets_it() -> None:
    model = stormy(steps=2)
    model.run()
    alive = weakref.ref(model)
    forget(model)
    del model
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("margin", ["isolated", "cross", "portfolio"])
def test_a_deep_copy_in_the_middle_of_a_run_goes_on_bit_for_bit(margin: str) -> None:
    model = stormy(margin={"kind": margin})
    for _ in range(6):
        model.step()
    twin = copy.deepcopy(model)
    before = state(twin)
    model.run()
    assert state(twin) == before  # nothing is shared
    twin.run()
    assert state(twin) == state(model)
    assert twin.streams.digest() == model.streams.digest()


def test_a_pickle_in_the_middle_of_a_run_goes_on_bit_for_bit() -> None:
    model = stormy()
    for _ in range(6):
        model.step()
    twin = pickle.loads(pickle.dumps(model))
    model.run()
    twin.run()
    assert state(twin) == state(model)
    assert len(model.exchange.desk.log.events) > 0


def test_the_system_rows_come_first_and_traders_last() -> None:
    model = stormy()
    assert model.traders.tolist() == list(range(4 + 1, 4 + 1 + 45))
    assert model.accounts.cash[0, 0] == -model.accounts.cash[1:].sum()


def test_the_same_scenario_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = stormy(), stormy(), stormy(seed=2)
    for model in (one, same, other):
        model.run()
    assert state(one) == state(same)
    assert state(one) != state(other)


def test_a_book_trader_opens_at_the_mark_and_then_holds() -> None:
    model = venue([book("mine", {"A": 3.0}, 1_000.0)], price=storm(*np.linspace(100.0, 110.0, 11)))
    assert model.accounts.entry_price[model.groups[0].rows[0], 0] == 100.0
    model.run()
    assert equity(model)[0] == pytest.approx(1_030.0)
