# SPDX-License-Identifier: Apache-2.0
"""Items that their producer numbers, and the worlds that send some of them twice, late or not at all.
The oracle keeps everything that was ever sent."""
import random

WINDOW = 16  # of the tool's engine
FEED = ("account", "position", "fill", "transfer", "mark", "insurance_fund", "handover", "unfilled")


class Sources:
    """Mixed into the oracle: decides whether a numbered item is to be executed."""

    def numbered(self, command, execute):
        first, sent = self.sources.setdefault(command["source"], (command["source_seq"], []))
        place = command["source_seq"] - first
        if place > len(sent):
            return "sequence_gap", []
        if place == len(sent):
            outcome, actions = execute()
            sent.append((command, outcome))
            return outcome, actions
        if place < max(0, len(sent) - WINDOW) or sent[place][0] != command:
            return "sequence_regression", []
        return sent[place][1], []


class SourceWorlds:
    """Mixed into the grower. The dice are its own, so that the worlds are otherwise what they were."""

    def init_sources(self, seed):
        self.source_dice = random.Random(seed * 2 + 1)
        self.numbers = {"feed": 0, "other": 1 << 40} if self.source_dice.random() < 0.25 else {}
        self.sent = []

    def number(self, command):
        """The item with a number, or as it is; before it perhaps some that must change nothing."""
        dice = self.source_dice
        if not self.numbers or command["type"] not in FEED or dice.random() < 0.3:
            return [command]
        source = dice.choice(sorted(self.numbers))
        seq = self.numbers[source]
        self.numbers[source] += 1
        command = {**command, "source": source, "source_seq": seq}
        noise = []
        if dice.random() < 0.2 and any(item["source"] == source for item in self.sent):
            noise.append({**command, "source_seq": seq + dice.randint(1, 3)})
        if dice.random() < 0.3 and self.sent:
            again = dice.choice(self.sent[-40:])
            if dice.random() < 0.2:
                again = {**command, "source": again["source"], "source_seq": again["source_seq"]}
            noise.append(again)
        self.sent.append(command)
        return [*noise, command]
