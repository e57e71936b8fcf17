#!/usr/bin/env python3
"""Recount a vote from what was published: python3 recount.py vote.json [--seal SEAL] [--receipt RECEIPT ...]

Needs nothing but Python 3.8 or later. SEAL is the seal that was sent to the voters and posted when the box was opened: with
it, one ballot changed, dropped or added is found. Exit code 0 when everything fits, 1 when anything does not.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

SEALED = ("format", "vote", "rule", "electorate", "turnout", "ballots")


def seal_of(bundle):
    """The SHA-256 of everything that was published but the result and the seal itself."""
    text = json.dumps({name: bundle[name] for name in SEALED}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def enough(threshold, part, whole):
    """Whether part is at least (or, when strict, more than) the fraction of whole; whole numbers only."""
    numerator, denominator, strict = threshold
    if whole <= 0:
        return False
    return part * denominator > whole * numerator if strict else part * denominator >= whole * numerator


def tally(bundle):
    """(counts, outcome, winners) from the ballots alone. counts: option to [number, area]."""
    vote, rule, electorate, ballots = (bundle[name] for name in ("vote", "rule", "electorate", "ballots"))
    options = [option["id"] for option in vote["options"]]
    counts = {option: [0, 0] for option in [*options, "abstain"]}
    for ballot in ballots:
        for option in ballot["choice"]:
            counts[option][0] += 1
            counts[option][1] += ballot.get("area", 0)
    took_part = [len(ballots), sum(ballot.get("area", 0) for ballot in ballots)]
    measures = (0, 1) if rule["by_area"] else (0,)
    whole = [electorate["number"], electorate["area"]]
    if rule["quorum"] and not all(enough(rule["quorum"], took_part[m], whole[m]) for m in measures):
        return counts, "no_quorum", []

    def passes(option):
        return not rule["passing"] or all(enough(rule["passing"], counts[option][m], took_part[m]) for m in measures)

    if vote["kind"] == "decision":
        if rule["passing"]:
            return (counts, "passed", ["yes"]) if passes("yes") else (counts, "rejected", [])
        yes, no = counts["yes"][0], counts["no"][0]
        return (counts, "tie", ["yes", "no"]) if yes == no else (counts, "noted", ["yes" if yes > no else "no"])

    def rank(option):
        return (counts[option][0], counts[option][1] if rule["by_area"] else 0)

    standing = sorted((o for o in options if counts[o][0] and passes(o)), key=rank, reverse=True)
    if not standing:
        return counts, "rejected", []
    seats = min(vote["seats"], len(standing))
    if len(standing) > seats and rank(standing[seats]) == rank(standing[seats - 1]):
        return counts, "tie", [o for o in standing if rank(o) == rank(standing[seats - 1])]
    return counts, "chosen" if rule["passing"] else "noted", standing[:seats]


def problems(bundle, seal=None):
    """Everything that does not fit, as sentences; empty when all is well."""
    found = []
    ballots, vote = bundle["ballots"], bundle["vote"]
    computed = seal_of(bundle)
    if computed != bundle["seal"]:
        found.append("封签对不上：选票或说明被改动过。")
    if seal and seal.strip().lower() != computed:
        found.append("与公布时的封签不一致：这份文件不是当时公布的那一份。")
    if len({ballot["receipt"] for ballot in ballots}) != len(ballots):
        found.append("有两张选票的回执号相同。")
    if len(ballots) != bundle["turnout"]["number"]:
        found.append(f"参与 {bundle['turnout']['number']}，选票却有 {len(ballots)} 张。")
    if len(ballots) > bundle["electorate"]["number"]:
        found.append("选票比有投票权的还多。")
    if sum(ballot.get("area", 0) for ballot in ballots) != bundle["turnout"]["area"]:
        found.append("选票的面积之和与参与面积不一致。")
    units = [ballot["unit"] for ballot in ballots if "unit" in ballot]
    if len(set(units)) != len(units):
        found.append("有一户投了两次。")
    known = {option["id"] for option in vote["options"]} | {"abstain"}
    most = len(vote["options"]) if vote["kind"] == "approval" else vote["most"] if vote["kind"] == "several" else 1
    for ballot in ballots:
        choice = ballot["choice"]
        alone = "abstain" not in choice or len(choice) == 1
        if not choice or not set(choice) <= known or len(set(choice)) != len(choice) or len(choice) > most or not alone:
            found.append(f"选票 {ballot['receipt']} 填得不合规则。")
            return found
    counts, outcome, winners = tally(bundle)
    result = bundle["result"]
    if {option: [amount["number"], amount["area"]] for option, amount in result["counts"].items()} != counts:
        found.append("重新计票的票数与公布的不一致。")
    if (outcome, winners) != (result["outcome"], result["winners"]):
        found.append("按规则重算的结论与公布的不一致。")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description="重新计票：核对公布的选票、票数和结论。")
    parser.add_argument("file", help="公布的文件")
    parser.add_argument("--seal", help="开箱时公布的封签")
    parser.add_argument("--receipt", action="append", default=[], help="您的回执号，可以写多个")
    asked = parser.parse_args(arguments)
    bundle = json.loads(Path(asked.file).read_text(encoding="utf-8"))
    found = problems(bundle, asked.seal)
    titles = {option["id"]: option["title"] for option in bundle["vote"]["options"]}
    titles["abstain"] = titles.get("abstain", "弃权")
    print(f"{bundle['vote']['title']}（{bundle['vote']['number']}）")
    print(f"有投票权 {bundle['electorate']['number']}，参与 {len(bundle['ballots'])}")
    if not found:
        counts, outcome, winners = tally(bundle)
        for option, (number, area) in counts.items():
            size = f"，{area} 平方厘米" if bundle["rule"]["by_area"] else ""
            print(f"  {titles[option]}：{number} 票{size}")
        print(f"结论：{outcome}" + (f"（{'、'.join(titles[w] for w in winners)}）" if winners else ""))
    by_receipt = {ballot["receipt"]: ballot["choice"] for ballot in bundle["ballots"]}
    for receipt in asked.receipt:
        wanted = receipt.upper().replace("-", "").replace(" ", "")
        if wanted in by_receipt:
            print(f"回执 {receipt}：{'、'.join(titles[option] for option in by_receipt[wanted])}")
        else:
            found.append(f"没有找到回执 {receipt}。")
    for sentence in found:
        print("！" + sentence)
    print("核对无误。" if not found else "核对不通过。")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
