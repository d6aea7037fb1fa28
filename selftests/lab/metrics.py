#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# For metrics.sh: reads what was scraped, and asks a Prometheus what the dashboards ask.
#
#   metrics.py sum FILE NAME [LABEL=VALUE]...   of all series of that name, and their labels
#   metrics.py falls OLD NEW                    counters that are in both and went backwards
#   metrics.py ask URL EXPRESSION               an instant query, as JSON
#   metrics.py panels URL DASHBOARD TENANT AT    TAP, from behind that number: every query of a dashboard,
#                                               and of its variables

import json
import re
import sys
import urllib.parse
import urllib.request

SERIES = re.compile(r'^([a-z_]+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
WINDOW = "5s"


def series(path):
    found = {}
    with open(path) as file:
        for line in file:
            if line.startswith("#"):
                continue
            name, labels, value = SERIES.match(line).groups()
            key = (name, tuple(LABEL.findall(labels or "")))
            if key in found:
                sys.exit("%s: twice: %s" % (path, line))
            found[key] = float(value)
    return found


def sum_of(path, name, *wanted):
    wanted = {tuple(pair.split("=", 1)) for pair in wanted}
    values = [value for (found, labels), value in series(path).items() if found == name and wanted <= set(labels)]
    if not values:
        sys.exit("%s: no series %s %s" % (path, name, sorted(wanted)))
    print("%d" % sum(values))


def falls(old, new):
    before, after = series(old), series(new)
    counters = [key for key in before if key[0].endswith(("_total", "_bucket", "_sum", "_count")) and key in after]
    if not counters:
        sys.exit("no counter is in both")
    for key in counters:
        if after[key] < before[key]:
            print("%s %s: %d, then %d" % (*key, before[key], after[key]))


def ask(url, path, **parameters):
    target = "%s/api/v1/%s?%s" % (url, path, urllib.parse.urlencode(parameters))
    try:
        with urllib.request.urlopen(target, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def fill(expression, tenant):
    for name, value in (("$__rate_interval", WINDOW), ("$node", ".*"), ("$tenant", tenant)):
        expression = expression.replace(name, value)
    return expression


def is_number(answer):
    return all(sample["value"][1] not in ("NaN", "+Inf", "-Inf") for sample in answer["data"]["result"])


def tell(number, good, what, why=""):
    print("%s %d - %s" % ("ok" if good else "not ok", number, what))
    if not good:
        print("# " + why)


def panels(url, path, tenant, at):
    name = path.rsplit("/", 1)[1]
    with open(path) as file:
        board = json.load(file)
    number = int(at)
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        match, label = re.fullmatch(r"label_values\((.*), *(\w+)\)", fill(variable["query"]["query"], tenant)).groups()
        answer = ask(url, "label/%s/values" % label, **{"match[]": match})
        number += 1
        tell(number, answer["status"] == "success" and answer["data"], name + ": variable " + variable["name"], str(answer))
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            expression = fill(target["expr"], tenant)
            answer = ask(url, "query", query=expression)
            may_be_empty = panel["description"].startswith("Empty when healthy: ")
            good = answer["status"] == "success" and "$" not in expression
            data = good and answer["data"]["result"]
            number += 1
            tell(number, good and is_number(answer) and (data or may_be_empty),
                 "%s: %s: %s%s" % (name, panel["title"], target["expr"], "" if data else " (" + panel["description"] + ")"),
                 json.dumps(answer)[:1000])
    print("# all were asked")


if __name__ == "__main__":
    verb, arguments = sys.argv[1], sys.argv[2:]
    if verb == "ask":
        print(json.dumps(ask(arguments[0], "query", query=arguments[1])))
    else:
        {"sum": sum_of, "falls": falls, "panels": panels}[verb](*arguments)
