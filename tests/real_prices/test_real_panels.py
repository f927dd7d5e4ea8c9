"""compare on storms that happened: March 2020, November 2022 (hourly) and October 2025 (5 minutes and hourly).

The panels are not shipped; without them these tests are skipped with the reason.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

from experiments.arms import Arm
from experiments.compare import compare
from experiments.prices import read_prices
from simulation.scenario import Scenario
from tests.experiments.price_files import panel

pytestmark = pytest.mark.data
HOURLY, FIVE_MINUTES = "stress_hourly_ohlcv.parquet", "stress_5m_ohlcv.parquet"


@dataclass(frozen=True)
class Storm:
    file: str
    event: str
    start: str
    end: str
    symbols: tuple[str, ...]

    def prices(self):
        choice = {"event": self.event, "kind": "spot", "symbols": self.symbols, "start": self.start, "end": self.end}
        return read_prices(panel(self.file), **choice)


STORMS = {
    "march-2020": Storm(HOURLY, "2020-03_covid", "2020-03-12", "2020-03-14", ("BTC", "ETH", "XRP")),
    "november-2022": Storm(HOURLY, "2022-11_ftx", "2022-11-07", "2022-11-11", ("BTC", "ETH", "SOL")),
    "october-2025": Storm(FIVE_MINUTES, "2025-10_adl", "2025-10-10 18:00", "2025-10-11", ("BTC", "ETH", "SOL")),
    "october-2025-hourly": Storm(HOURLY, "2025-10_adl", "2025-10-09", "2025-10-12", ("BTC", "ETH", "SOL")),
}


def scenario(name):
    table = STORMS[name].prices()
    return Scenario.from_dict(
        {
            "name": name,
            "steps": len(table) - 1,
            "step_seconds": table.step_seconds,
            "markets": [
                {"name": symbol, "price": price, "depth": 2e9}
                for symbol, price in zip(table.names, table.prices[0].tolist(), strict=True)
            ],
            "price": {"kind": "replay", "prices": table.prices.tolist()},
            "margin": {"kind": "portfolio", "correlation": 0.8},
            "insurance_fund": 1e5,
            "population": [
                {
                    "kind": "holder",
                    "count": 120,
                    "leverage": {"kind": "uniform", "low": 2.0, "high": 9.0},
                    "deposit": {"kind": "lognormal", "median": 10_000.0, "sigma": 1.5, "maximum": 1e6},
                },
                {"kind": "hedged_pair", "count": 15, "deposit": 50_000.0},
            ],
        }
    )


@functools.cache
def compared(name):
    return compare(scenario(name), seeds=3, workers=1, reuse_grid=(0.0, 1.0), progress=False)


@pytest.fixture(params=STORMS)
def comparison(request):
    return compared(request.param)


def test_all_arms_meet_the_path_that_happened(comparison):
    assert len(set(comparison.digests.values())) == 1, "one path, whatever the seed: seeds vary the population"
    happened = np.array(comparison.scenario.price.prices)
    for run in comparison.gallery.worst.runs.values():
        index = run.prices["index"].to_numpy().reshape(happened.shape)
        assert np.array_equal(index, happened)


def test_the_storm_liquidates_people_under_every_regime(comparison):
    for arm in (Arm("isolated"), Arm("cross"), Arm("portfolio"), Arm("portfolio", 1.0)):
        assert (comparison.outcomes.of(arm, "liquidated_notional") > 0.0).all()


def test_pooling_hits_fewer_accounts_and_closes_healthy_positions(comparison):
    outcomes = comparison.outcomes
    hit = {regime: outcomes.of(Arm(regime), "liquidated_share") for regime in ("isolated", "cross")}
    assert (hit["cross"] < hit["isolated"]).all()
    assert (outcomes.of(Arm("isolated"), "healthy_closed_share") == 0.0).all()
    assert (outcomes.of(Arm("cross"), "healthy_closed_share") > 0.0).all()


def test_every_dollar_of_bad_debt_has_a_payer(comparison):
    outcomes = comparison.outcomes
    for arm in outcomes.values:
        layers = ("insurance_draw", "adl_haircut", "socialised_loss", "unpaid")
        assert np.array_equal(sum(outcomes.of(arm, layer) for layer in layers), outcomes.of(arm, "bad_debt"))


def test_the_report_says_that_one_path_is_no_sample(tmp_path):
    page = (compared("march-2020").save(tmp_path / "out") / "report.html").read_text("utf-8")
    assert "The prices are one path that happened" in page
