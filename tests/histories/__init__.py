"""Generated histories of the programs under faults, and a checker that knows only what was promised."""
