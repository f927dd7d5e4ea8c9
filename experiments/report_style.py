"""The style sheet of the report: plain, quick, and fit for paper."""

CSS = """
body { margin: 0; color: #1b1b1b; background: #fff; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .4rem; }
h1 small { color: #555; font-weight: normal; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; border-bottom: 2px solid #1b1b1b; padding-bottom: .15rem; }
h3 { font-size: 1rem; margin: .9rem 0 .2rem; }
ul { margin: .2rem 0 .6rem; padding-left: 1.2rem; }
li { margin: .15rem 0; }
.about { font-style: italic; }
.box { border: 1px solid #bbb; border-left: 5px solid #0072B2; padding: .2rem 1rem .4rem; }
.headline { font-size: 1.08rem; font-weight: 600; margin: .6rem 0; }
.note, figcaption { color: #444; font-size: .87rem; }
figure { margin: 1rem 0 1.4rem; }
img { max-width: 100%; height: auto; display: block; }
table { border-collapse: collapse; width: 100%; font-size: .84rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .16rem .5rem; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 2px solid #888; vertical-align: bottom; }
tbody th { font-weight: 600; }
tbody th small { font-weight: normal; color: #555; }
tr.axis th { padding-top: .8rem; border-bottom: 2px solid #0072B2; font-size: .95rem; }
td { white-space: nowrap; }
.plain td { white-space: normal; overflow-wrap: anywhere; }
code { font-family: "DejaVu Sans Mono", Consolas, monospace; font-size: .92em; }
@media (max-width: 50rem) { table { display: block; overflow-x: auto; } }
@media print {
  @page { size: A4; margin: 14mm; }
  body { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  figure, tr, .box { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""
