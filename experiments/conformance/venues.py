"""Which adapter answers a case: by the name of its file, else by the system the file states, else by its kind."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cache

import experiments.conformance
from experiments.conformance.case import Adapter
from experiments.conformance.reading import CaseFile

Adapters = Mapping[tuple[str, str], Adapter]

# File stem -> (short name of the venue, beginning of the `system` text of its files).
SYSTEMS: dict[str, tuple[str, str]] = {
    "black_scholes_black76": ("Black-Scholes", "Black-Scholes"),
    "cex_and_doc_examples": ("exchanges", "CEX / broker / documentation"),
    "derive_dutch_auction_and_interest": ("Derive auction", "Derive (Lyra) v2 DutchAuction"),
    "derive_pmrm1_portfolio_margin": ("Derive PMRM", "Derive (Lyra) v2 PMRM (first"),
    "derive_pmrm2_portfolio_margin": ("Derive PMRM 2", "Derive (Lyra) v2 PMRM_2"),
    "derive_srm_standard_margin": ("Derive SRM", "Derive (Lyra) v2 StandardManager"),
    "drift_accounts_and_liquidations": ("Drift v2", "Drift v2"),
    "drift_weights_and_liquidation_math": ("Drift v2", "Drift v2 (Solana"),
    "dydx_deleveraging": ("dYdX v4", "dYdX v4 ADL"),
    "dydx_liquidation": ("dYdX v4", "dYdX v4 (cross"),
    "dydx_margin_funding_ordering": ("dYdX v4", "dYdX v4"),
    "euler_v2_liquidation": ("Euler v2", "Euler v2"),
    "mango_health": ("Mango v4", "Mango v4"),
    "mango_liquidation": ("Mango v4", "Mango v4"),
    "span_scenarios": ("CME SPAN", "CME SPAN"),
    "synthetix_v3_perps": ("Synthetix v3", "Synthetix v3"),
    "vega_margin_closeout_socialisation": ("Vega", "Vega"),
}
_WIDEST = 20


@cache
def known_adapters() -> Adapters:
    """Return the adapters of every module of this package that has any, by file stem and kind."""
    found: dict[tuple[str, str], Adapter] = {}
    for module in pkgutil.iter_modules(experiments.conformance.__path__):
        loaded = importlib.import_module(f"experiments.conformance.{module.name}")
        found |= getattr(loaded, "ADAPTERS", {})
    return found


def adapter_for(file: CaseFile, kind: str, adapters: Adapters) -> Adapter | None:
    """Return who answers cases of `kind` in `file`, or nobody."""
    for stem in (*_by_name(file.stem, adapters), *_by_system(file.system)):
        if (stem, kind) in adapters:
            return adapters[stem, kind]
    alike = {stem: adapter for (stem, name), adapter in adapters.items() if name == kind}
    return next(iter(alike.values())) if len(alike) == 1 else None


def venue_of(file: CaseFile) -> str:
    """Return a short name for the venue whose cases `file` holds."""
    names = [SYSTEMS[stem][0] for stem in (*_by_name(file.stem, {}), *_by_system(file.system)) if stem in SYSTEMS]
    name = names[0] if names else (file.system or file.stem)
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - 2]}.."


def _by_name(stem: str, adapters: Adapters) -> list[str]:
    """Return the known stems that the name of a file holds, the longest first."""
    known = {*SYSTEMS, *(name for name, _ in adapters)}
    return sorted((name for name in known if name in stem), key=lambda name: (-len(name), name))


def _by_system(system: str) -> Iterator[str]:
    """Return the stems whose files state `system`, the most exact first."""
    fitting = [stem for stem, (_, begins) in SYSTEMS.items() if system.lower().startswith(begins.lower())]
    yield from sorted(fitting, key=lambda stem: -len(SYSTEMS[stem][1]))
