"""Random events, biased towards the edges where engines go wrong: maintenance, bankruptcy, an empty fund, ties."""

import random
from fractions import Fraction as F

from simulation.scenario import Fees
from tests.reference.ledger import FIRST_TRADER, INSURANCE, QUANTUM
from tests.reference.venue import Setup, Venue

TICK = F(1, 2**14)
WICKS = (1.0, 1.0, 1.0 - 2.0**-6, 1.0 - 2.0**-3, 0.5, 1.0 + 2.0**-4, 1.5)
TIERS = (
    [(0.0, 0.125, 0.0625)],
    [(0.0, 0.0625, 0.03125), (1024.0, 0.125, 0.0625), (4096.0, 0.5, 0.25)],
    [(0.0, 0.125, 0.125), (512.0, 0.25, 0.1875)],
)
CLOSES = (
    {"kind": "full"},
    {"kind": "fraction", "share": 0.25, "minimum_notional": 256.0},
    {"kind": "to_target", "target_health": 1.25},
)


def random_setup(rng: random.Random) -> Setup:
    """Every seed draws its own rules: swarm testing."""
    m, accounts = rng.choice((1, 2, 3)), rng.randint(4, 8)
    kind = rng.choice(("isolated", "cross", "portfolio", "mixed"))
    twins = rng.random() < 0.3
    apart = [list(range(1, m + 1))] * accounts
    shared = [[0] * m] * accounts
    mixed = [rng.choice(([0] * m, list(range(1, m + 1)), [0] * (m - 1) + [m], [1] * m)) for _ in range(accounts)]
    leverage = [rng.choice((2.0, 8.0, 64.0)) for _ in range(accounts)]
    if twins:  # accounts 0 and 1, 2 and 3, ... do the same: equal ranks
        mixed = [mixed[i - i % 2] for i in range(accounts)]
        leverage = [leverage[i - i % 2] for i in range(accounts)]
    close = dict(rng.choice(CLOSES), penalty_rate=rng.choice((0.0, 2.0**-7, 2.0**-5)))
    margin = {"kind": "portfolio", "correlation": 0.5} if kind == "portfolio" else {"kind": "cross"}
    return Setup(
        margin if kind != "isolated" else {"kind": "isolated"},
        close,
        rng.choice(("queue", "queue", "pro_rata", "off")),
        {"isolated": apart, "mixed": mixed}.get(kind, shared),
        [float(rng.choice((2, 16, 100, 1000))) for _ in range(m)],
        [rng.choice((2.0**-4, 1.0, 2.0**-2)) for _ in range(m)],
        [rng.choice(TIERS) for _ in range(m)],
        leverage,
        Fees(taker_rate=rng.choice((0.0, 2.0**-9)), insurance_share=rng.choice((0.0, 0.5))),
        twins,
    )


class Walk:
    """Random events on one venue; `counters` says what was reached."""

    def __init__(self, seed: int, events: int, counters: dict[str, int]) -> None:
        self.rng, self.counters, self.events = random.Random(seed), counters, events
        self.venue = Venue(random_setup(self.rng), events)
        self.traders = range(FIRST_TRADER, len(self.venue.accounts))
        for row in self.traders:
            self.venue.deposit(row, 1000.0 if self.venue.setup.twins else float(self.rng.choice((100, 500, 5000))))
        self.weight = [self.rng.choice((1, 3)) for _ in range(8)]

    def run(self) -> None:
        kinds = (self.deposit, self.trade, self.order, self.order, self.shock, self.edge, self.fund, self.fill_fund)
        for _ in range(self.events):
            if self.venue.ledger.liquidatable() and self.rng.random() < 0.8:
                self.venue.liquidate_round(self.counters)
            else:
                self.rng.choices(kinds, self.weight)[0]()
            self.venue.compare()
            self._count_boundary()
            self.counters["events"] = self.counters.get("events", 0) + 1

    def twins(self, row: int) -> list[int]:
        """The rows that do what `row` does: itself, and its twin where there are twins."""
        first = row - (row - FIRST_TRADER) % 2
        return [row] if not self.venue.setup.twins else [r for r in (first, first + 1) if r in self.traders]

    def deposit(self) -> None:
        """Money in or out; sometimes exactly as much as puts a pool on its maintenance margin."""
        row, ledger = self.rng.choice(self.traders), self.venue.ledger
        pool = self.rng.randrange(ledger.pools)
        missing = ledger.requirement(row, pool) - ledger.equity(row, pool)
        if ledger.markets_in(row, pool) and missing % QUANTUM == 0 and self.rng.random() < 0.7:
            self.venue.deposit(row, float(missing), pool)
        else:
            amount = self.rng.uniform(0, 1000)
            for twin in self.twins(row):
                self.venue.deposit(twin, amount)

    def trade(self) -> None:
        """A fill nobody checked, near the mark: so that every state can come up."""
        row, m = self.rng.choice(self.traders), self.rng.randrange(len(self.venue.setup.prices))
        price = float(self.venue.ledger.mark[m] * F(self.rng.choice((16, 15, 17)), 16))
        lots = self._lots(m)
        for twin in self.twins(row):
            self.venue.trade(twin, m, lots, price)

    def order(self) -> None:
        rows = sorted(self.rng.sample(self.traders, self.rng.randint(1, 3)))
        markets = range(len(self.venue.setup.prices))
        orders = {row: {m: self._lots(m) for m in markets if self.rng.random() < 0.7} for row in rows}
        both = {twin: wanted for row, wanted in orders.items() if wanted for twin in self.twins(row)}
        self.venue.orders(both or {rows[0]: {0: 1}})

    def shock(self) -> None:
        m = self.rng.randrange(len(self.venue.setup.prices))
        factor = F(self.rng.choice((8, 12, 14, 15, 17, 18, 20, 32)), 16)
        self._reprice(m, self.venue.ledger.mark[m] * factor)

    def edge(self) -> None:
        """Put one pool where equity is maintenance, or zero, or one tick to either side."""
        ledger = self.venue.ledger
        held = [(row, m) for row in self.traders for m in range(len(ledger.markets)) if ledger.held(row, m)]
        if not held:
            return
        row, m = self.rng.choice(held)
        units, pool, to_zero = ledger.units(row, m), ledger.pool(row, m), self.rng.random() < 0.5
        rest = ledger.equity(row, pool) - ledger.value(row, m)
        need = ledger.stand_alone(row, m, False) / abs(ledger.value(row, m))
        slope = units if to_zero else units - need * abs(units)
        if not to_zero:
            rest -= ledger.requirement(row, pool) - ledger.stand_alone(row, m, False)
        if slope:
            self._reprice(m, -rest / slope + self.rng.choice((-1, 0, 0, 1)) * TICK)

    def fund(self) -> None:
        self.venue.fund([self.rng.choice((0.0, 2.0**-8, -(2.0**-6))) for _ in self.venue.setup.prices])

    def fill_fund(self) -> None:
        """The insurance fund is sometimes rich, sometimes robbed to the last quantum or two."""
        have = self.venue.ledger.money(INSURANCE, 0) * QUANTUM
        change = self.rng.choice((F(1000), 50 - have, 2 * QUANTUM - have, -have, -have))
        self.venue.deposit(INSURANCE, float(change))

    def _lots(self, m: int) -> int:
        typical = 1000 / (self.venue.ledger.mark[m] * F(self.venue.setup.lots[m]))
        return self.rng.choice((-1, 1)) * max(1, int(typical * self.rng.choice((F(1, 16), F(1, 2), 1, 4))))

    def _reprice(self, m: int, price: F) -> None:
        price = min(max(round(price / TICK), 2**12), 2**27) * TICK
        self.venue.reprice(m, float(price), [self.rng.choice(WICKS) for _ in self.venue.setup.prices])
        self.counters["mark moves"] = self.counters.get("mark moves", 0) + 1

    def _count_boundary(self) -> None:
        ledger = self.venue.ledger
        places = ((row, pool) for row in self.traders for pool in range(ledger.pools))
        on_edge = sum(bool(ledger.markets_in(*p)) and ledger.equity(*p) == ledger.requirement(*p) for p in places)
        self.counters["equity is maintenance"] = self.counters.get("equity is maintenance", 0) + on_edge
