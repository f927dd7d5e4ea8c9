"""Graphs in files that Gephi opens: GraphML and GEXF. Equal graphs give equal bytes."""

import html
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import networkx as nx
import numpy as np

from simulation.errors import InputError, shown

Plain: TypeAlias = str | int | float | bool
Domain: TypeAlias = tuple[str, list[dict[str, Plain]]]

_HEAD = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
"""
_NOT_XML = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF])  # characters that XML cannot hold


def write_graph(graph: nx.DiGraph, path: Path) -> None:
    """Write `graph` as GraphML or GEXF, by the ending of `path`; GraphML is the smaller and faster.

    Attributes are cast to text, whole number, number or truth value; what is missing or not finite is left out. Raises
    `InputError` for another ending.
    """
    writers = {".graphml": graphml, ".gexf": gexf}
    if path.suffix not in writers:
        raise InputError(f"{shown(str(path))}: ending must be one of {', '.join(writers)}")
    path.write_text(writers[path.suffix](graph), "utf-8", newline="\n")


def graphml(graph: nx.DiGraph) -> str:
    """Return `graph` as GraphML; written here because networkx's writer is several times slower."""
    nodes = [(str(node), cast(about)) for node, about in graph.nodes(data=True)]
    edges = [(str(one), str(other), cast(about)) for one, other, about in graph.edges(data=True)]
    whole = cast(graph.graph)
    domains: list[Domain] = [
        ("graph", [whole]),
        ("node", [about for _, about in nodes]),
        ("edge", [about for _, _, about in edges]),
    ]
    keys = {(domain, name): f"d{i}" for i, (domain, name) in enumerate(_names(domains))}
    lines = []
    for domain, abouts in domains:
        for name in dict.fromkeys(name for about in abouts for name in about):
            what = f'attr.name="{_escape(name)}" attr.type="{_type(abouts, name)}"'
            lines.append(f'  <key id="{keys[domain, name]}" for="{domain}" {what}/>')
    lines.append('  <graph edgedefault="directed">')
    lines += _cells(whole, "graph", keys)
    for name, about in nodes:
        lines += [f'    <node id="{_escape(name)}">', *_cells(about, "node", keys), "    </node>"]
    for one, other, about in edges:
        lines.append(f'    <edge source="{_escape(one)}" target="{_escape(other)}">')
        lines += [*_cells(about, "edge", keys), "    </edge>"]
    return _HEAD + "\n".join(lines) + "\n  </graph>\n</graphml>\n"


def gexf(graph: nx.DiGraph) -> str:
    """Return `graph` as GEXF, without the date of writing, which says nothing about the graph."""
    plain = nx.DiGraph()
    plain.graph.update(cast(graph.graph))
    plain.add_nodes_from((node, cast(attributes)) for node, attributes in graph.nodes(data=True))
    plain.add_edges_from((one, other, cast(attributes)) for one, other, attributes in graph.edges(data=True))
    dated = " lastmodifieddate"
    lines = [line.split(dated)[0] + ">" if dated in line else line for line in nx.generate_gexf(plain)]
    return "\n".join(lines) + "\n"


def cast(attributes: Mapping[str, Any]) -> dict[str, Plain]:
    """Return the attributes as plain text, numbers and truth values; what is missing or not finite is left out."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in attributes.items()}
    there = {key: value for key, value in plain.items() if value is not None}
    finite = {key: v for key, v in there.items() if not isinstance(v, float) or math.isfinite(v)}
    return {key: v if isinstance(v, bool | int | float) else str(v).translate(_NOT_XML) for key, v in finite.items()}


def _names(domains: Iterable[Domain]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((domain, name) for domain, abouts in domains for about in abouts for name in about))


def _type(abouts: list[dict[str, Plain]], name: str) -> str:
    """Return the one type that holds all values of an attribute."""
    types = {type(about[name]) for about in abouts if name in about}
    if types == {bool}:
        return "boolean"
    if types <= {int}:
        return "long"
    return "double" if types <= {int, float} else "string"


def _cells(about: dict[str, Plain], domain: str, keys: dict[tuple[str, str], str]) -> list[str]:
    return [f'      <data key="{keys[domain, name]}">{_text(value)}</data>' for name, value in about.items()]


def _text(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else _escape(value)


def _escape(text: str) -> str:
    return html.escape(text.translate(_NOT_XML))
