# SPDX-License-Identifier: Apache-2.0
"""From samples to medians, and from medians to a table and a plot."""

import html
import statistics

COLOURS = {"sluice": "#1f6f8b", "nginx": "#9aa5a0", "haproxy": "#c9a66b"}
FIGURES = ("rps", "cpu_us", "p50_us", "p99_us", "pss", "bytes_per_connection")


def by_round(samples, case, gateway, figure):
    return {s["round"]: s[figure] for s in samples
            if s["case"] == case and s["gateway"] == gateway and s.get(figure) is not None}


def median(values):
    values = list(values)
    return statistics.median(values) if values else None


def ratio(samples, case, peers, figure, better):
    """Median over the rounds of sluice's figure over the best of the peers' in the same round."""
    ours = by_round(samples, case, "sluice", figure)
    theirs = [by_round(samples, case, p, figure) for p in peers]
    ratios = []
    for number, value in ours.items():
        rivals = [t[number] for t in theirs if t.get(number)]
        if rivals:
            ratios.append(value / better(rivals))
    return median(ratios)


def summarize(samples, cases, gateways):
    """{case: {gateway: {figure: median, ratio to each peer}}}"""
    summary = {}
    peers = [g for g in gateways if g != "sluice"]
    for case in cases:
        rows = summary[case] = {}
        for gateway in gateways:
            rows[gateway] = {f: median(by_round(samples, case, gateway, f).values())
                             for f in FIGURES}
            rivals = peers if gateway == "sluice" else [gateway]
            key = "bytes_per_connection" if case == "idle" else "cpu_us"
            rows[gateway]["cost_ratio"] = ratio(samples, case, rivals, key, min)
            rows[gateway]["p99_ratio"] = ratio(samples, case, rivals, "p99_us", min)
            rows[gateway]["rps_ratio"] = ratio(samples, case, rivals, "rps", max)
    return summary


def show(value, form="{:.0f}", scale=1):
    return "-" if value is None else form.format(value / scale)


HEADER = ("case", "gateway", "req/s", "CPU us/req", "p50 us", "p99 us", "Pss MB", "B/conn",
          "cost x", "req/s x", "p99 x")


LEGEND = """
Medians over the rounds.  x: sluice divided by this gateway, in sluice's own row by the better peer;
medians of the rounds' ratios.  cost: CPU us/req, or B/conn in idle; less than 1 is cheaper."""


def table(summary):
    """The figures as aligned text."""
    rows = [HEADER]
    for case, gateways in summary.items():
        for name, f in gateways.items():
            rows.append((case, name, show(f["rps"], "{:,.0f}"), show(f["cpu_us"], "{:.2f}"),
                         show(f["p50_us"]), show(f["p99_us"]),
                         show(f["pss"], "{:.1f}", 1 << 20),
                         show(f["bytes_per_connection"]), show(f["cost_ratio"], "{:.2f}"),
                         show(f["rps_ratio"], "{:.2f}"), show(f["p99_ratio"], "{:.2f}")))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    lines, last = [], None
    for row in rows:
        if last is not None and row[0] != last:
            lines.append("")
        last = row[0]
        cells = [c.ljust(w) if i < 2 else c.rjust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines + [LEGEND])


def text(x, y, what, size=13, anchor="start", fill="#222", weight="normal"):
    return (f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" '
            f'font-weight="{weight}">{html.escape(what)}</text>')


BAR, GAP, LEFT, WIDTH, TOP = 18, 20, 210, 820, 104


def panel(case, gateways, y):
    """One case: a bar a gateway, on a scale of its own, since cases differ a hundredfold."""
    shown = [(n, f["cpu_us"]) for n, f in gateways.items() if f["cpu_us"]]
    most = max(v for _, v in shown)
    parts = [text(24, y + 14, case, 14, weight="bold")]
    for name, value in shown:
        width = max(1, round(value / most * (WIDTH - LEFT - 120)))
        parts.append(text(LEFT - 10, y + 13, name, 12, "end", "#555"))
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{width}" height="{BAR - 4}" rx="2" '
                     f'fill="{COLOURS.get(name, "#888")}"/>')
        parts.append(text(LEFT + width + 8, y + 12, f"{value:.1f} us", 12))
        y += BAR
    return parts, y + GAP


def svg(summary, subtitles):
    """A plot with a line of small print for each of subtitles."""
    parts, y = [], TOP
    for case, gateways in summary.items():
        if any(f["cpu_us"] for f in gateways.values()):
            more, y = panel(case, gateways, y)
            parts += more
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            f'viewBox="0 0 {WIDTH} {y}" font-family="Helvetica, Arial, sans-serif">',
            f'<rect width="{WIDTH}" height="{y}" fill="#fdfdfb"/>',
            text(24, 34, "CPU time of the gateway per request", 19, weight="bold"),
            *(text(24, 56 + 18 * i, line, 12, fill="#666") for i, line in enumerate(subtitles))]
    return "\n".join(head + parts + ["</svg>", ""])
