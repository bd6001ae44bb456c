# SPDX-License-Identifier: Apache-2.0
"""A strict reader of metrics: Prometheus text 0.0.4, and OpenMetrics 1.0."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}


class Wrong(Exception):
    """The text is not what its type says."""


def need(is_so, why, line=""):
    if not is_so:
        raise Wrong(f"{why}: {line!r}")


def _labels(text, line):
    labels, at = {}, 0
    while text and at < len(text):
        m = LABEL.match(text, at)
        need(m, "labels", line)
        need(m[1] not in labels, "a label twice", line)
        labels[m[1]] = m[2]
        at = m.end()
        if at < len(text):
            need(text[at] == "," and at + 1 < len(text), "what is between labels", line)
            at += 1
    return labels


class Families:
    """families: name without suffix -> (kind, {sample name and labels: value})."""

    def __init__(self, text, is_open):
        self.is_open, self.families, self.current, self.seen = is_open, {}, None, {}
        need(text.endswith("\n"), "the last line has no end")
        lines = text[:-1].split("\n")
        if is_open:
            need(lines.pop() == "# EOF", "no EOF at the end")
        for line in lines:
            need(line != "# EOF", "EOF before the end")
            need(line == line.strip() and line, "white space", line)
            self._comment(line) if line.startswith("#") else self._sample(line)
        for name, (kind, samples) in self.families.items():
            need(samples, "a family without samples", name)
            if kind == "histogram":
                self._check_histogram(name, samples)

    def _comment(self, line):
        m = re.fullmatch(rf"# (HELP|TYPE|UNIT) ({NAME}) (.+)", line)
        need(m, "a comment", line)
        word, name, rest = m.groups()
        first, order = ("TYPE", ["TYPE", "UNIT", "HELP"]) if self.is_open else ("HELP", ["HELP", "TYPE"])
        if word == first:
            need(name not in self.seen, "a family twice", line)
            self.seen[name] = []
            self.current = name
        need(name == self.current, "a comment of another family", line)
        need(word in order and word not in self.seen[name], "a comment too many", line)
        self.seen[name].append(word)
        need(self.seen[name] == [w for w in order if w in self.seen[name]], "the order", line)
        if word == "UNIT":
            need(name.endswith("_" + rest), "a unit that the name has not", line)
        if word == "TYPE":
            need(rest in SUFFIXES, "a type", line)
            need(rest != "counter" or name.endswith("_total") != self.is_open,
                 "the name of a counter", line)
            base = name.removesuffix("_total") if rest == "counter" else name
            self.base = base
            self.families[base] = (rest, {})

    def _sample(self, line):
        m = SAMPLE.fullmatch(line)
        need(m, "a sample", line)
        need(self.current and "TYPE" in self.seen[self.current], "a sample before its type", line)
        name, text, value = m.groups()
        kind, samples = self.families[self.base]
        need(name.startswith(self.base) and name[len(self.base):] in SUFFIXES[kind],
             "a sample of another family", line)
        labels = _labels(text, line)
        key = (name, tuple(sorted(labels.items())))
        need(key not in samples, "a sample twice", line)
        samples[key] = float(value)
        need(kind == "gauge" or samples[key] >= 0, "less than nothing", line)

    def _check_histogram(self, name, samples):
        groups = {}
        for (sample, labels), value in samples.items():
            rest = tuple(l for l in labels if l[0] != "le")
            group = groups.setdefault(rest, {"le": []})
            if sample.endswith("_bucket"):
                group["le"].append((float(dict(labels)["le"]), value))
            else:
                group[sample] = value
        for group in groups.values():
            bounds = [b for b, _ in group["le"]]
            counts = [c for _, c in group["le"]]
            need(bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), "buckets", name)
            need(counts == sorted(counts), "counts that fall", name)
            need(counts[-1] == group[name + "_count"], "a count that is not the last", name)
            need(name + "_sum" in group, "a sum", name)

    def value(self, name, **labels):
        """Of one sample, whose name has its suffix; or None."""
        for _, samples in self.families.values():
            for (sample, have), value in samples.items():
                if sample == name and dict(have) == labels:
                    return value
        return None

    def names(self):
        """Of all samples, as queries have them."""
        return {key[0] for _, samples in self.families.values() for key in samples}
