"""The contract follows its own rules, which no linter knows."""
